// The overlay with the connection's figures.

import { element } from './dom.js';

const PERIOD = 1000; // ms

export class Figures {
  #panel;
  #read;
  #timer;

  // read is async and returns the figures of Player.stats.
  constructor(panel, read) {
    this.#panel = panel;
    this.#read = read;
  }

  get shown() {
    return !this.#panel.hidden;
  }

  toggle() {
    this.#panel.hidden = this.shown;
    clearInterval(this.#timer);
    if (!this.shown) return;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), PERIOD);
  }

  async #draw() {
    const rows = lines(await this.#read());
    this.#panel.replaceChildren(...rows.flatMap(([name, value]) => [
      element('dt', { textContent: name }),
      element('dd', { textContent: value || '–' }),
    ]));
  }
}

function lines(s) {
  const ms = (n) => (n > 0 ? `${n < 10 ? n.toFixed(1) : Math.round(n)} ms` : '');
  if (s.framesDecoded === undefined) return [['State', s.state]];
  return [
    ['State', s.state],
    ['Picture', s.width ? `${s.width}×${s.height}, ${s.fps.toFixed(1)} fps decoded` : ''],
    ['Frames', `${s.framesDecoded} decoded, ${s.framesDropped} dropped`],
    ['Freezes', s.freezeCount ? `${s.freezeCount}, ${s.freezeSeconds.toFixed(1)} s in all` : 'none'],
    ['Bitrate', s.bitrate ? `${(s.bitrate / 1e6).toFixed(2)} Mbit/s` : ''],
    ['Round trip', ms(s.rttMs)],
    ['Jitter buffer', [ms(s.jitterBufferMs), s.audioJitterBufferMs ? `sound ${ms(s.audioJitterBufferMs)}` : ''].filter(Boolean).join(', ')],
    ['Packets', `${s.packetsReceived} received, ${s.packetsLost} lost`],
    ['Repair', `${s.nackCount} NACK, ${s.pliCount} PLI`],
    ['Codecs', [s.videoCodec, s.audioCodec].filter(Boolean).join(', ')],
    ['Path', s.path],
    ['SRTP', s.srtp],
  ];
}
