// Players side by side in one page, each noting which picture it showed when.
// Pictures bear their number as source.Barcode writes it.
window.glass = (() => {
  const BITS = 10, KEPT = 60000; // ms
  const WIDTH = 64, HEIGHT = 36; // samples of a picture
  const epoch = (now) => performance.timeOrigin + now; // ms since 1970
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingEnabled = false; // a sample is one pixel

  // read returns the number of the picture that is shown, -1 if there is none,
  // and samples of its green, which is most of what is seen.
  function read(video) {
    context.drawImage(video, 0, 0, WIDTH, HEIGHT); // once: the next call may draw the next picture
    const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
    const samples = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => data[4 * i + 1]);
    return [number(samples), samples];
  }

  // number reads the barcode, whose square cells take all of the width: the
  // second row of samples goes through them.
  function number(samples) {
    const cell = (i) => samples[WIDTH + Math.floor((i + 0.5) * WIDTH / (2 * BITS))];
    let n = 0;
    for (let bit = 0; bit < BITS; bit++) {
      const [left, right] = [cell(2 * bit), cell(2 * bit + 1)];
      if (Math.abs(left - right) < 100) return -1;
      if (left > right) n |= 1 << bit;
    }
    return n;
  }

  // psnr is the likeness of two pictures in dB; Infinity: they are the same.
  function psnr(a, b) {
    const squares = a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0);
    return 10 * Math.log10(255 ** 2 * a.length / squares);
  }

  class Player {
    posted = 0;
    shown = []; // [ms since 1970, number, samples]
    error = '';

    constructor() {
      const video = this.video = document.createElement('video');
      video.autoplay = true;
      video.width = 320;
      document.body.append(video);
      const note = (now) => {
        this.shown.push([epoch(now), ...read(video)]);
        if (this.shown.length % 600 === 0) this.shown = this.shown.filter(([at]) => at > epoch(now) - KEPT);
        video.requestVideoFrameCallback(note);
      };
      video.requestVideoFrameCallback(note);
    }

    // join asks for a stream; port, if not 0, takes the place of the server's.
    async join(url, port) {
      const pc = this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      for (const kind of ['video', 'audio']) pc.addTransceiver(kind, { direction: 'recvonly' });
      pc.ontrack = ({ streams: [stream] }) => { this.video.srcObject = stream; };
      const offer = await pc.createOffer();
      this.posted = epoch(performance.now());
      const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: offer.sdp });
      if (response.status !== 201) throw new Error(`offer answered ${response.status}`);
      this.session = new URL(response.headers.get('Location'), response.url);
      let sdp = await response.text();
      if (port) sdp = sdp.replace(/^(a=candidate:(?:\S+ ){5})\d+/gm, `$1${port}`);
      await pc.setLocalDescription(offer);
      await pc.setRemoteDescription({ type: 'answer', sdp });
    }

    async reading() {
      const out = { playout: {} };
      for (const s of (await this.pc.getStats()).values()) {
        if (s.type !== 'inbound-rtp') continue;
        out[s.kind] = s;
        out.playout[s.kind] = s.estimatedPlayoutTimestamp || 0;
      }
      return out;
    }

    async leave() {
      this.pc.close();
      this.video.remove();
      await fetch(this.session, { method: 'DELETE' });
    }
  }

  const players = {};
  return {
    join(name, url, port) {
      const p = players[name] = new Player();
      p.join(url, port).catch((e) => { p.error = String(e); });
    },
    watched(name, since) {
      const { posted, error, shown } = players[name];
      return { Posted: posted, Error: error, Shown: shown.filter(([at]) => at >= since).map(([At, Number]) => ({ At, Number })) };
    },
    async reading(name) {
      const { video = {}, audio = {}, playout } = await players[name].reading();
      return {
        Freezes: video.freezeCount || 0, FreezeSeconds: video.totalFreezesDuration || 0,
        Decoded: video.framesDecoded || 0, Dropped: video.framesDropped || 0,
        Lost: video.packetsLost || 0, NACKs: video.nackCount || 0, PLIs: video.pliCount || 0,
        Repeated: video.retransmittedPacketsReceived || 0, Concealed: audio.concealedSamples || 0,
        Sync: playout.video && playout.audio ? playout.video - playout.audio : null,
      };
    },
    // compare looks at a player's pictures beside those of the same numbers that
    // another has shown too; one without a number is like none.
    compare(name, other, since) {
      const right = new Map(players[other].shown.map(([, number, samples]) => [number, samples]));
      const shown = players[name].shown.filter(([at]) => at >= since);
      const likeness = shown.filter(([, number]) => number < 0 || right.has(number))
        .map(([, number, samples]) => number < 0 ? 0 : psnr(samples, right.get(number)));
      const different = likeness.filter((dB) => dB !== Infinity);
      return { Shown: shown.length, Compared: likeness.length, Different: different.length, WorstPSNR: Math.min(100, ...different) };
    },
    async leave(name) {
      await players[name].leave();
      delete players[name];
    },
  };
})();
