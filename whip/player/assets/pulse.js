// Pulse feels whether a connection lives: when picture and packets last came.

export class Pulse {
  #frames = 0;
  #packets = 0;
  #frameAt;
  #packetAt;
  started = false; // there has been picture (or sound, of a stream without picture)

  constructor(now) {
    this.rest(now);
  }

  // rest begins anew to wait: nothing was to be expected until now.
  rest(now) {
    this.#frameAt = now;
    this.#packetAt = now;
  }

  // feel takes figures of Meter. soundOnly makes sound count as picture.
  feel(now, figures, soundOnly) {
    const packets = figures.packetsReceived;
    const frames = soundOnly ? figures.audioPackets : figures.framesDecoded;
    if (packets > this.#packets) this.#packetAt = now;
    if (frames > this.#frames) {
      this.#frameAt = now;
      this.started = true;
    }
    this.#packets = packets;
    this.#frames = frames;
  }

  // Times in ms since something came.
  withoutPicture(now) {
    return now - this.#frameAt;
  }

  withoutPackets(now) {
    return now - this.#packetAt;
  }
}
