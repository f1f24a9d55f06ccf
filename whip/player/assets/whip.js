// A WHIP publisher (RFC 9725): an offer, a session on the server, and the
// RTCPeerConnection between them.

import { iceServers } from './iceservers.js';

const CONFIGURATION = { bundlePolicy: 'max-bundle' };
const ANSWER_TIME = 12_000; // ms for the server to answer; it may wait for a dead publisher first
const BITRATE = 2_500_000; //  bit/s of the picture, at most

// Refusal is an HTTP answer that is no session.
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail || `HTTP ${status}`);
    this.status = status;
  }
}

export class Publication {
  #url;
  #token;
  #location;

  // url is the WHIP endpoint; token is sent to it, if there is one.
  constructor(url, token, stream) {
    this.#url = url;
    this.#token = token;
    this.pc = new RTCPeerConnection(CONFIGURATION);
    for (const track of stream.getTracks()) {
      const video = track.kind === 'video';
      const transceiver = this.pc.addTransceiver(track, {
        direction: 'sendonly', streams: [stream], ...(video && { sendEncodings: [{ maxBitrate: BITRATE }] }),
      });
      if (video) preferH264(transceiver);
    }
  }

  // connect does not wait for candidates: the server learns the browser's address
  // from its first connectivity check, and names TURN servers in its answer.
  async connect(signal) {
    const offer = await this.pc.createOffer();
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', ...(this.#token && { Authorization: `Bearer ${this.#token}` }) },
      body: stereo(offer.sdp),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIME)]),
    });
    if (response.status !== 201) {
      const problem = await response.json().catch(() => ({}));
      throw new Refusal(response.status, problem.detail);
    }
    this.#location = new URL(response.headers.get('Location'), response.url);
    this.pc.setConfiguration({ ...CONFIGURATION, iceServers: iceServers(response.headers.get('Link')) });
    await this.pc.setLocalDescription(offer);
    await this.pc.setRemoteDescription({ type: 'answer', sdp: stereo(await response.text()) });
  }

  // ended resolves with when media cannot flow any more.
  ended(signal) {
    const dtls = this.pc.getSenders()[0].transport;
    return new Promise((resolve) => {
      const look = () => {
        if (['failed', 'closed'].includes(this.pc.connectionState) || ['failed', 'closed'].includes(dtls?.state)) resolve();
      };
      this.pc.addEventListener('connectionstatechange', look, { signal });
      dtls?.addEventListener('statechange', look, { signal });
      signal.addEventListener('abort', resolve);
      look();
    });
  }

  // close ends the session on both sides, and may be called at any time.
  close() {
    this.pc.close();
    if (!this.#location) return;
    fetch(this.#location, { method: 'DELETE', keepalive: true }).catch(() => {}); // the server notices anyway
    this.#location = undefined;
  }
}

// preferH264 puts first what every viewer can decode.
function preferH264(transceiver) {
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const rank = (c) => (c.mimeType === 'video/H264' && c.sdpFmtpLine?.includes('packetization-mode=1') ? 0 : 1);
  transceiver.setCodecPreferences?.(codecs.toSorted((a, b) => rank(a) - rank(b)));
}

// stereo makes Opus stereo on either side: Chromium encodes mono otherwise
// (RFC 7587 §6.1).
function stereo(sdp) {
  const opus = sdp.match(/^a=rtpmap:(\d+) opus\/48000\/2\r?$/im)?.[1];
  return opus ? sdp.replace(new RegExp(`^(a=fmtp:${opus} (?!.*stereo=).*?)(\\r?)$`, 'm'), '$1;stereo=1;sprop-stereo=1$2') : sdp;
}
