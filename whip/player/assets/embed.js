// What a player in an iframe says to the page around it and takes from it, in
// messages whose property sluice names their kind. /sluice-player.js speaks it;
// pages that make their own iframe may as well.
//
// Said:   {sluice: 'state', state, headline, detail}, {sluice: 'sound', muted,
//         volume}, {sluice: 'size', width, height}, {sluice: 'stats', id, stats}
// Taken:  {sluice: 'sound', muted, volume} and {sluice: 'stats', id}
//
// Nothing said is a secret and nothing taken does harm, so any page may.

export class Embed {
  #outside = window.parent === window ? undefined : window.parent;

  // sound is the page's Sound; stats returns a promise of figures.
  constructor(video, sound, stats) {
    if (!this.#outside) return;
    window.addEventListener('message', async ({ source, data }) => {
      if (source !== this.#outside || typeof data !== 'object') return;
      if (data?.sluice === 'sound') sound.take(data);
      if (data?.sluice === 'stats') this.say('stats', { id: data.id, stats: await stats() });
    });
    video.addEventListener('volumechange', () => this.say('sound', { muted: video.muted, volume: video.volume }));
    video.addEventListener('resize', () => this.say('size', { width: video.videoWidth, height: video.videoHeight }));
  }

  say(kind, what) {
    this.#outside?.postMessage({ sluice: kind, ...what }, '*');
  }
}
