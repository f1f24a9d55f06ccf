// The page /doctor: each finding is one sentence, which says what to open or to
// change where something does not work.

import { connect, offered, ports } from './diagnosis.js';
import { byID, element, setText } from './dom.js';

const SESSION = new URL('../doctor/session', import.meta.url);

// find adds a line; its verdict is good, note or bad.
function find(verdict, about, sentence) {
  const marks = { good: '✓', note: '!', bad: '✗' };
  byID('findings').append(
    element('li', { className: verdict }, element('b', { textContent: `${marks[verdict]} ${about}` }), element('span', {}, ...spelt(sentence))),
  );
  return verdict !== 'bad';
}

// spelt sets flags apart, so that none breaks at the end of a line.
function spelt(sentence) {
  return sentence.split(/(--[\w-]+)/).map((part) => (part.startsWith('--') ? element('code', { textContent: part }) : part));
}

async function way(about, what, options, remedy) {
  const result = await connect(SESSION, options).catch(() => ({ error: 'closed' }));
  if (result.ms !== undefined) return find('good', about, `${what} works, connected in ${result.ms} ms.`);
  if (result.error === 'unanswered') return find('bad', about, 'The server has too many tests at once: try again in a moment.');
  return find('bad', about, `${what} does not work: ${remedy}`);
}

async function ways() {
  const offer = await offered(SESSION).catch(() => undefined);
  if (!offer) {
    find('bad', 'Server', 'The server does not answer test sessions: it is away, or a proxy in front of it lets no POST through.');
    return [];
  }
  const open = [];
  const udp = ports(offer.sdp, 'udp');
  const tcp = ports(offer.sdp, 'tcp');
  if (udp) open.push(await way('UDP', 'UDP, the best way,', { transport: 'udp' }, `open UDP port ${udp} to the server, and announce its public address (--webrtc-public-ip).`));
  if (tcp) open.push(await way('TCP', 'ICE over TCP', { transport: 'tcp' }, `open TCP port ${tcp} to the server.`));
  else find('note', 'TCP', 'ICE over TCP is not offered; --webrtc-tcp-addr turns it on for networks that block UDP.');
  const relays = offer.iceServers.filter((s) => s.urls.startsWith('turn'));
  for (const relay of relays) {
    const secure = relay.urls.startsWith('turns') ? ', and see that its certificate is for this name' : '';
    open.push(await way('TURN', relay.urls, { transport: 'udp', relay }, `open its port to the server${secure}.`));
  }
  if (relays.length === 0) find('note', 'TURN', 'TURN is not offered; --turn-addr and --turn-tls-addr turn it on for the strictest networks.');
  return open;
}

function codecs() {
  const names = new Set((RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? []).map((c) => c.mimeType.split('/')[1].toUpperCase()));
  const known = ['H264', 'H265', 'AV1', 'VP9'].filter((c) => names.has(c)).map((c) => c.replace('H26', 'H.26'));
  if (names.has('H264')) return find('good', 'Video', `This browser plays ${known.join(', ')}.`);
  const firefox = navigator.userAgent.includes('Firefox') ? ' Firefox fetches its H.264 plug-in some time after its first start.' : '';
  return find('bad', 'Video', `This browser plays no H.264, which most streams are: use another one, or update it.${firefox}`);
}

function page() {
  if (window.isSecureContext) find('good', 'Page', 'It comes over HTTPS or from this machine: watching and publishing from the browser both work.');
  else find('note', 'Page', 'It comes over plain HTTP: watching works, publishing from the browser needs HTTPS, and a page of HTTPS cannot embed this one.');
}

async function autoplay() {
  const sound = new AudioContext();
  const allowed = sound.state === 'running';
  await sound.close();
  if (allowed) find('good', 'Sound', 'This browser lets pages start with sound.');
  else find('note', 'Sound', 'This browser starts streams muted until somebody clicks, as most do.');
}

async function examine() {
  byID('again').hidden = true;
  byID('findings').replaceChildren();
  document.documentElement.dataset.state = 'trying';
  setText(byID('verdict'), 'Trying all ways…');
  const open = await ways();
  const plays = codecs();
  page();
  await autoplay().catch(() => {});
  const reached = open.includes(true);
  const verdict = !reached
    ? 'This browser cannot be reached: streams will not play here.'
    : !plays
      ? 'This browser is reached, but plays no H.264.'
      : open.includes(false)
        ? 'This browser can watch, though not every way is open.'
        : 'This browser can watch: every way that is offered is open.';
  setText(byID('verdict'), verdict);
  document.documentElement.dataset.state = reached && plays ? 'well' : 'ill';
  byID('again').hidden = false;
}

byID('again').addEventListener('click', examine);
examine();
