// Players side by side in one page, each noting which picture it showed when.
// Pictures bear their number as source.Barcode writes it.
window.glass = (() => {
  const BITS = 10, KEPT = 60000; // ms
  const epoch = (now) => performance.timeOrigin + now; // ms since 1970
  const canvas = document.createElement('canvas');
  canvas.width = 2 * BITS;
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingEnabled = false; // one pixel from the middle of each cell

  // number reads the barcode of the picture that is shown; -1: there is none.
  function number(video) {
    const width = video.videoWidth; // the barcode takes all of it, in square cells
    context.drawImage(video, 0, 0, width, width / (2 * BITS), 0, 0, 2 * BITS, 1);
    const { data } = context.getImageData(0, 0, 2 * BITS, 1);
    let n = 0;
    for (let bit = 0; bit < BITS; bit++) {
      const [left, right] = [data[8 * bit], data[8 * bit + 4]];
      if (Math.abs(left - right) < 100) return -1;
      if (left > right) n |= 1 << bit;
    }
    return n;
  }

  class Player {
    posted = 0;
    shown = []; // [ms since 1970, number]
    error = '';

    constructor() {
      const video = this.video = document.createElement('video');
      video.autoplay = true;
      video.width = 320;
      document.body.append(video);
      const note = (now) => {
        this.shown.push([epoch(now), number(video)]);
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
    async leave(name) {
      await players[name].leave();
      delete players[name];
    },
  };
})();
