// A WHEP viewer (draft-ietf-wish-whep): an offer, a session on the server, and
// the RTCPeerConnection between them. It receives only, and asks for no
// permission.

import { offered } from './events.js';
import { iceServers } from './iceservers.js';

const CONFIGURATION = { bundlePolicy: 'max-bundle' };

const ANSWER_TIME = 8000; // ms for the server to answer an offer

// Refusal is an HTTP answer that is no session.
export class Refusal extends Error {
  constructor(status, detail, retryAfter, offeredH264) {
    super(detail || `HTTP ${status}`);
    this.status = status;
    this.retryAfter = retryAfter; // ms, undefined when the server did not say
    this.offeredH264 = offeredH264;
  }
}

export class Session {
  #url;
  #token;
  #location;
  #offer;
  #ended = new AbortController();
  events; // what the server offers to tell of it, see offered()

  // url is the WHEP endpoint; token is sent to it, if there is one; onTrack gets
  // the MediaStream each time that a track of it begins to deliver.
  constructor(url, token, onTrack) {
    this.#url = url;
    this.#token = token;
    this.pc = new RTCPeerConnection(CONFIGURATION);
    this.pc.addTransceiver('video', { direction: 'recvonly' });
    this.pc.addTransceiver('audio', { direction: 'recvonly' });
    this.pc.ontrack = ({ track, streams: [stream] }) => {
      // Media that has not come yet would turn the last picture black.
      if (track.muted) track.addEventListener('unmute', () => onTrack(stream), { once: true });
      else onTrack(stream);
    };
  }

  // connect may be called again after a Refusal. It does not wait for
  // candidates: browsers hide their addresses behind mDNS names, and the server
  // learns the real one from the first connectivity check (RFC 8445 §7.3.1.3).
  async connect(signal) {
    this.#offer ??= await this.#makeOffer();
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', ...(this.#token && { Authorization: `Bearer ${this.#token}` }) },
      body: this.#offer.sdp,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIME)]),
    });
    if (response.status !== 201) throw await this.#refusal(response);
    const location = response.headers.get('Location');
    this.#location = location && new URL(location, response.url);
    const link = response.headers.get('Link');
    this.events = offered(link, response.url);
    this.pc.setConfiguration({ ...CONFIGURATION, iceServers: iceServers(link) });
    await this.pc.setLocalDescription(this.#offer);
    await this.pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  }

  // close ends the session on both sides, and may be called at any time.
  close() {
    this.pc.close();
    this.#ended.abort();
    if (!this.#location) return;
    fetch(this.#location, { method: 'DELETE', keepalive: true }).catch(() => {}); // the server notices anyway
    this.#location = undefined;
  }

  // ended aborts when the session is closed.
  get ended() {
    return this.#ended.signal;
  }

  // lost reports whether media cannot come any more. The connection's own state
  // does not tell that the server said good-bye; that of DTLS does.
  get lost() {
    const dtls = this.pc.getReceivers()[0]?.transport?.state;
    return ['failed', 'closed'].includes(this.pc.connectionState) || ['failed', 'closed'].includes(dtls);
  }

  get connected() {
    return this.pc.connectionState === 'connected';
  }

  async #makeOffer() {
    const { type, sdp } = await this.pc.createOffer();
    return { type, sdp: askForStereo(sdp) };
  }

  async #refusal(response) {
    const problem = await response.json().catch(() => ({}));
    const seconds = Number.parseInt(response.headers.get('Retry-After'), 10);
    const retryAfter = seconds > 0 ? seconds * 1000 : undefined;
    return new Refusal(response.status, problem.detail, retryAfter, /H264\/90000/i.test(this.#offer.sdp));
  }
}

// askForStereo adds stereo=1 to Opus: Chromium decodes it as mono otherwise
// (RFC 7587 §6.1).
export function askForStereo(sdp) {
  const opus = sdp.match(/^a=rtpmap:(\d+) opus\/48000\/2\r?$/im)?.[1];
  if (!opus) return sdp;
  const fmtp = new RegExp(`^(a=fmtp:${opus} .*?)(\\r?)$`, 'm');
  const [line] = sdp.match(fmtp) ?? [];
  if (/[ ;]stereo=1/.test(line)) return sdp; // Firefox
  if (line) return sdp.replace(fmtp, '$1;stereo=1$2');
  return sdp.replace(/^(a=rtpmap:\d+ opus\/48000\/2)(\r?\n)/im, `$1$2a=fmtp:${opus} stereo=1$2`);
}
