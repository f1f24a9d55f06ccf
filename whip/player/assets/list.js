// The list of what is live: /.

import { streams } from './api.js';
import { byID, element, setText, sleep } from './dom.js';
import { audioFormat, count, duration, joined, splitName, videoFormat, watchPath } from './format.js';

const PERIOD = 2000; // ms

const cards = new Map(); // by stream name

function show(list) {
  const live = list.filter((s) => s.live);
  setText(byID('summary'), live.length === 0 ? 'Nothing is live now.' : count(live.length, 'stream', 'streams'));
  const names = new Set(list.map((s) => s.name));
  for (const [name, card] of cards) {
    if (names.has(name)) continue;
    card.remove();
    cards.delete(name);
  }
  const box = byID('streams');
  list.forEach((s, i) => {
    const card = cards.get(s.name) ?? newCard(s.name);
    fill(card, s);
    if (box.children[i] !== card) box.insertBefore(card, box.children[i] ?? null);
  });
  if (list.length === 0 && !box.hidden) byID('guide').open = true;
  box.hidden = list.length === 0;
}

function newCard(name) {
  const [app, key] = splitName(name);
  const card = element('li', {},
    element('a', { href: watchPath(name) },
      element('span', { className: 'name' }, element('small', { textContent: `${app}/` }), key),
      element('span', { className: 'since' }),
      element('span', { className: 'viewers' }),
      element('span', { className: 'format' })),
    element('p', { className: 'note', hidden: true }));
  cards.set(name, card);
  return card;
}

function fill(card, { live, since, viewers, video, audio }) {
  const set = (part, text) => setText(card.querySelector(`.${part}`), text);
  card.classList.toggle('away', !live);
  const formats = joined(videoFormat(video), audioFormat(audio));
  set('since', live ? `Live for ${duration(Date.now() - Date.parse(since))}` : 'Stopped, may come back');
  set('format', formats || 'Waiting for the first frame');
  set('viewers', count(viewers, 'viewer', 'viewers'));
  const hint = (live && video?.hint) || '';
  set('note', hint && `For the streamer: ${hint}`);
  card.querySelector('.note').hidden = !hint;
}

// guide fills this server's name into the instructions.
function guide() {
  const host = location.hostname;
  for (const code of document.querySelectorAll('[data-fill]')) {
    code.textContent = code.dataset.fill.replace('{host}', host);
  }
  for (const button of document.querySelectorAll('.copy button')) {
    button.addEventListener('click', () => copy(button, button.parentElement.querySelector('code')));
  }
}

// copy also works on pages without TLS, which have no clipboard API.
async function copy(button, code) {
  getSelection().selectAllChildren(code);
  const done = navigator.clipboard
    ? await navigator.clipboard.writeText(code.textContent).then(() => true, () => false)
    : document.execCommand('copy');
  setText(button, done ? 'Copied' : 'Selected');
  await sleep(1500);
  setText(button, 'Copy');
}

async function refresh() {
  try {
    show(await streams());
  } catch {
    setText(byID('summary'), 'The server cannot be reached. Trying again…');
  }
}

guide();
for (;;) {
  if (!document.hidden) await refresh();
  await sleep(PERIOD, undefined, [document, 'visibilitychange']);
}
