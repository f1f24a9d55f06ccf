// The overlay with the connection's figures.

import { Chart } from './chart.js';
import { element } from './dom.js';
import { quality } from './quality.js';

const PERIOD = 1000; // ms

export class Figures {
  #panel;
  #read;
  #timer;
  #rows = element('dl');
  #delay = new Chart('Delay', ms, 200);
  #bitrate = new Chart('Bitrate', mbits, 1e6);

  // read is async and returns the figures of Player.stats.
  constructor(panel, read) {
    this.#panel = panel;
    this.#read = read;
    panel.append(this.#delay.element, this.#bitrate.element, this.#rows);
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
    const figures = await this.#read();
    this.#delay.add(figures.delayMs ?? 0);
    this.#bitrate.add(figures.bitrate ?? 0);
    this.#rows.replaceChildren(...lines(figures).flatMap(([name, value]) => [
      element('dt', { textContent: name }),
      element('dd', { textContent: value || '–' }),
    ]));
  }
}

function ms(n) {
  return n > 0 ? `${n < 10 ? n.toFixed(1) : Math.round(n)} ms` : '–';
}

function mbits(n) {
  return `${(n / 1e6).toFixed(2)} Mbit/s`;
}

function lines(s) {
  if (s.framesDecoded === undefined) return [['State', s.state]];
  return [
    ['State', s.state],
    ['Quality', quality(s)],
    ['Picture', s.width ? `${s.width}×${s.height}, ${s.fps.toFixed(1)} fps decoded` : ''],
    ['Frames', `${s.framesDecoded} decoded, ${s.framesDropped} dropped`],
    ['Freezes', s.freezeCount ? `${s.freezeCount}, ${s.freezeSeconds.toFixed(1)} s in all` : 'none'],
    ['Round trip', ms(s.rttMs)],
    ['Jitter buffer', `${ms(s.jitterBufferMs)}, sound ${ms(s.audioJitterBufferMs)}`],
    ['Packets', `${s.packetsReceived} received, ${s.packetsLost} lost`],
    ['Repair', `${s.nackCount} NACK, ${s.pliCount} PLI`],
    ['Codecs', [s.videoCodec, s.audioCodec].filter(Boolean).join(', ')],
    ['Path', s.path],
    ['SRTP', s.srtp],
  ];
}
