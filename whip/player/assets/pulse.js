// Pulse feels whether a connection lives: when picture and packets last came.

const BEAT = 2000; // ms: a picture that came since then is a playing one
const LAST = 300; //  the same once the server said that no more will come

export class Pulse {
  #frames = 0;
  #packets = 0;
  #frameAt = -Infinity;
  #packetAt = -Infinity;
  #rested;

  constructor(now) {
    this.#rested = now;
  }

  // rest says that nothing was to be expected until now.
  rest(now) {
    this.#rested = now;
  }

  // feel takes figures of Meter. soundOnly makes sound count as picture.
  feel(now, figures, soundOnly) {
    const frames = soundOnly ? figures.audioPackets : figures.framesDecoded;
    if (figures.packetsReceived > this.#packets) this.#packetAt = now;
    const unseen = document.hidden && this.started; // some browsers then decode nothing
    if (frames > this.#frames || (unseen && this.#packetAt === now)) this.#frameAt = now;
    this.#packets = figures.packetsReceived;
    this.#frames = frames;
  }

  // started: there has been a picture.
  get started() {
    return this.#frameAt > 0;
  }

  playing(now, inactive) {
    return now - this.#frameAt < (inactive ? LAST : BEAT);
  }

  // For how many ms a picture, or any packet, has been waited for.
  withoutPicture(now) {
    return now - Math.max(this.#frameAt, this.#rested);
  }

  withoutPackets(now) {
    return now - Math.max(this.#packetAt, this.#rested);
  }
}
