// The player's page: /watch/{app}/{key}. What its address may hold is in the
// page's help (key ?).

import { keepFacts } from './about.js';
import { root, Stream } from './api.js';
import { controls } from './controls.js';
import { byID, setText } from './dom.js';
import { Embed } from './embed.js';
import { Figures } from './figures.js';
import { Player } from './player.js';
import { Sound } from './sound.js';

const BADGES = {
  connecting: 'Connecting', waiting: 'Waiting', live: 'Live', offline: 'Offline', reconnecting: 'Reconnecting', unsupported: 'Not playable',
};

const html = document.documentElement;
const path = location.pathname.split('/').slice(-2).join('/'); // app/key, still escaped
const name = path.split('/').map(decodeURIComponent).join('/');
const options = new URLSearchParams(location.search);
// A token behind # stays out of every log.
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? options.get('token') ?? '';
const video = byID('video');

function onState({ state, headline, detail, ask = false }) {
  html.dataset.state = state;
  setText(byID('headline'), headline || 'Playing');
  byID('notice').classList.toggle('unseen', !headline); // still there for screen readers
  setText(byID('detail'), detail);
  setText(byID('badgeText'), BADGES[state]);
  byID('retry').hidden = state !== 'unsupported';
  byID('ask').hidden = !ask;
  html.toggleAttribute('data-ask', ask);
  document.title = state === 'live' ? `${name} · Sluice` : `${name} (${BADGES[state].toLowerCase()}) · Sluice`;
  embed.say('state', { state, headline, detail });
}

html.toggleAttribute('data-embedded', window.self !== window.top || options.get('controls') === '0');
html.toggleAttribute('data-bare', options.get('controls') === '0');
setText(byID('title'), name);

const about = new Stream(`api/streams/${path}`, token);
const onViewers = keepFacts(about);
const player = new Player({ video, url: new URL(`whep/${path}`, root), token, about, onState, onViewers });
const figures = new Figures(byID('figures'), () => player.stats());
video.muted = options.get('muted') !== '0';
const sound = new Sound(video, { loud: byID('loud'), text: byID('loudText'), mute: byID('mute'), volume: byID('volume') });
const embed = new Embed(video, sound, () => player.stats());
const actions = controls({ stage: byID('stage'), video, sound, figures });
if (options.get('stats') === '1') actions.s();

video.addEventListener('resize', () => { // also of a publisher who turns the phone
  if (video.videoHeight > 0) byID('stage').style.setProperty('--aspect', video.videoWidth / video.videoHeight);
});
byID('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  player.token = about.token = byID('token').value;
  history.replaceState(null, '', `#token=${encodeURIComponent(player.token)}`); // for the next time
  byID('ask').hidden = true;
  player.again();
});
byID('retry').addEventListener('click', () => player.again());
video.addEventListener('loadedmetadata', () => sound.play());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && video.paused && video.srcObject) sound.play(); // phones pause what is not seen
});
window.addEventListener('pagehide', () => player.stop());
window.addEventListener('pageshow', () => player.start()); // also out of the back-forward cache

window.sluice = { stats: () => player.stats() };
player.start();
