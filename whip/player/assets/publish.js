// The page that goes live from a camera or a screen.

import { capture, devices, listen, refusal, release } from './capture.js';
import { byID, element, setText, sleep } from './dom.js';
import { splitName, watchPath } from './format.js';
import { Publication, Refusal } from './whip.js';

const PAUSE = 2000; // ms between tries to come back

let shown; //    the MediaStream of the preview
let deafen; //   ends the level meter
let onAir; //    AbortController of the publication, while there is one

// say puts the page into a state: choosing, asking, ready, connecting, live,
// reconnecting, unsupported.
function say(state, text) {
  document.documentElement.dataset.state = state;
  setText(byID('status'), text);
}

// show asks for what was chosen and shows it, and returns whether it worked.
async function show() {
  hide();
  say('asking', 'The browser asks whether it may use them…');
  try {
    shown = await capture({ picture: byID('picture').value, camera: byID('camera').value, microphone: byID('microphone').value });
  } catch (error) {
    say('choosing', refusal(error));
    return false;
  }
  const [first] = shown.getTracks();
  if (!first) {
    say('choosing', 'Choose a picture or a microphone.');
    return false;
  }
  byID('preview').srcObject = shown;
  deafen = listen(shown, (level) => { byID('level').value = level; });
  for (const track of shown.getTracks()) track.addEventListener('ended', vanished);
  await listDevices();
  say('ready', 'This is what viewers will see and hear.');
  return true;
}

function hide() {
  deafen?.();
  release(shown);
  byID('preview').srcObject = shown = deafen = undefined;
}

// vanished is called when a device is unplugged or the screen is shared no
// more.
function vanished() {
  stop();
  hide();
  say('choosing', 'The camera, microphone or screen is gone. Choose again.');
}

// listDevices fills the choices, and keeps what is chosen.
async function listDevices() {
  for (const [id, kind, extra] of [['camera', 'videoinput', []], ['microphone', 'audioinput', [['none', 'None']]]]) {
    const select = byID(id);
    const chosen = select.value;
    const list = (await devices(kind)).filter((d) => d.deviceId !== 'default').map((d) => [d.deviceId, d.label || 'unnamed']);
    select.replaceChildren(...[['', 'Default'], ...list, ...extra].map(([value, text]) => element('option', { value, textContent: text })));
    select.value = [...select.options].some((o) => o.value === chosen) ? chosen : '';
  }
}

// goLive publishes until stop, and comes back when the connection is lost.
async function goLive() {
  if (onAir || (!shown && !(await show()))) return;
  onAir = new AbortController();
  buttons();
  const { signal } = onAir;
  const [app, name] = splitName(byID('name').value);
  const url = new URL(`whip/${encodeURIComponent(app)}/${encodeURIComponent(name)}`, location);
  say('connecting', 'Connecting…');
  for (let tries = 0; !signal.aborted; tries++) {
    const publication = new Publication(url, byID('key').value, shown);
    window.sluice = publication;
    signal.addEventListener('abort', () => publication.close());
    try {
      await publication.connect(signal);
      await connected(publication, signal);
      say('live', `You are live as ${byID('name').value}.`);
      tries = 0;
      await publication.ended(signal);
      say('reconnecting', 'The connection was lost. Trying again…');
    } catch (error) {
      if (signal.aborted) break;
      if (final(error, tries)) {
        stop();
        say('ready', explain(error));
        break;
      }
      say(tries ? 'reconnecting' : 'connecting', `${explain(error)} Trying again…`);
    } finally {
      publication.close();
    }
    await sleep(PAUSE, signal);
  }
}

// connected waits until media can flow.
async function connected(publication, signal) {
  const { pc } = publication;
  while (pc.connectionState !== 'connected') {
    if (signal.aborted || ['failed', 'closed'].includes(pc.connectionState)) {
      throw new Error('Media did not get through: is the UDP port open?');
    }
    await sleep(5000, signal, [pc, 'connectionstatechange']);
  }
}

// final says whether trying again is of no use.
function final(error, tries) {
  return error instanceof Refusal && ![409, 429, 503].includes(error.status) || tries >= 30;
}

function explain(error) {
  if (!(error instanceof Refusal)) {
    return error instanceof TypeError || error.name === 'TimeoutError' ? 'The server cannot be reached.' : error.message;
  }
  switch (error.status) {
    case 401: return `The server wants another stream key (${error.message}).`;
    case 409: return 'Somebody else is live under this name.';
    default: return `The server says: ${error.message}.`;
  }
}

function stop() {
  onAir?.abort();
  onAir = undefined;
  buttons();
}

// buttons shows what can be done now.
function buttons() {
  byID('start').hidden = byID('show').hidden = Boolean(onAir);
  byID('stop').hidden = byID('link').hidden = !onAir;
  for (const id of ['picture', 'camera', 'microphone', 'name', 'key']) byID(id).disabled = Boolean(onAir);
  const watch = byID('watch');
  watch.href = watchPath(byID('name').value);
  setText(watch, watch.href);
}

function begin() {
  const wanted = new URLSearchParams(location.search).get('name');
  if (wanted) byID('name').value = wanted;
  if (!navigator.mediaDevices || typeof RTCPeerConnection === 'undefined') {
    say('unsupported', window.isSecureContext
      ? 'This browser can capture neither camera nor screen.'
      : 'Browsers lend camera and microphone to secure pages only: open this page by https:// or on the server itself by http://localhost.');
    byID('start').disabled = byID('show').disabled = true;
    return;
  }
  if (!navigator.mediaDevices.getDisplayMedia) byID('picture').querySelector('[value=screen]').remove(); // phones
  listDevices();
  for (const id of ['picture', 'camera', 'microphone']) byID(id).addEventListener('change', () => shown && show());
  byID('picture').addEventListener('change', () => { byID('camera').disabled = byID('picture').value !== 'camera'; });
  byID('show').addEventListener('click', show);
  byID('stop').addEventListener('click', () => { stop(); say('ready', 'You are off the air.'); });
  byID('form').addEventListener('submit', (event) => { event.preventDefault(); goLive(); });
  window.addEventListener('pagehide', stop);
}

begin();
