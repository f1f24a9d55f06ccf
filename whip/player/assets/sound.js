// Sound: browsers start a page's video only muted, so there is an obvious
// button to turn it on.

export class Sound {
  #video;
  #loud; // the big button
  #text;
  #decided = false; // the viewer has said what they want

  constructor(video, { loud, text, mute, volume }) {
    this.#video = video;
    this.#loud = loud;
    this.#text = text;
    loud.addEventListener('click', () => this.set(true));
    mute.addEventListener('click', () => this.toggle());
    volume.addEventListener('input', () => {
      video.volume = volume.valueAsNumber;
      this.set(video.volume > 0);
    });
    const show = () => {
      const off = video.muted || video.volume === 0;
      mute.setAttribute('aria-label', off ? 'Unmute' : 'Mute');
      document.documentElement.dataset.sound = off ? 'off' : 'on';
      volume.value = off ? 0 : video.volume;
      this.#draw();
    };
    for (const name of ['volumechange', 'play', 'pause', 'loadeddata']) video.addEventListener(name, show);
    show();
  }

  // louder changes the volume by step, of 1.
  louder(step) {
    this.take({ muted: false, volume: this.#video.volume + step });
  }

  // take sets muted and volume, where they are given.
  take({ muted = this.#video.muted, volume = this.#video.volume }) {
    this.#video.volume = Math.min(1, Math.max(0, Number(volume) || 0));
    this.set(!muted && this.#video.volume > 0);
  }

  toggle() {
    this.set(this.#video.muted || this.#video.volume === 0);
  }

  set(on) {
    this.#decided = true;
    this.#video.muted = !on;
    if (on && this.#video.volume === 0) this.#video.volume = 1;
    this.play();
    this.#draw();
  }

  // play starts with sound if asked to and allowed, else muted, else waits for
  // a tap: some phones do not start any video by themselves to save power.
  async play() {
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name !== 'NotAllowedError' || this.#video.muted) return; // the pause event shows the button
      this.#video.muted = true;
      this.#decided = false;
      await this.#video.play().catch(() => {});
    }
    this.#draw();
  }

  #draw() {
    const video = this.#video;
    const ready = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    const silent = video.srcObject && video.srcObject.getAudioTracks().length === 0;
    this.#text.textContent = video.paused ? 'Tap to play' : 'Tap to unmute';
    this.#loud.hidden = !ready || !(video.paused || (video.muted && !this.#decided && !silent));
  }
}
