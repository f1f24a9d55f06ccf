// The player's buttons and keys.

import { byID } from './dom.js';

const IDLE = 3000; // ms until the controls hide over a playing picture
const STEP = 0.1; // of the volume, for each press of a key

export function controls({ stage, video, sound, figures }) {
  const actions = {
    m: () => sound.toggle(),
    f: () => fullScreen(stage, video),
    p: () => pictureInPicture(video),
    s: () => {
      figures.toggle();
      byID('statsButton').setAttribute('aria-pressed', figures.shown);
    },
    '?': () => help(),
    arrowup: () => sound.louder(STEP),
    arrowdown: () => sound.louder(-STEP),
  };
  const buttons = { full: 'f', pip: 'p', statsButton: 's', helpButton: '?' };
  for (const [id, key] of Object.entries(buttons)) byID(id).addEventListener('click', actions[key]);
  byID('pip').hidden = !document.pictureInPictureEnabled && !inSafari(video);
  byID('helpClose').addEventListener('click', () => byID('help').close());
  document.addEventListener('keydown', (event) => {
    const arrow = event.key.startsWith('Arrow');
    if (event.ctrlKey || event.metaKey || event.altKey || (event.repeat && !arrow)) return;
    if (event.target.type === 'password') return; // letters are letters there
    if (arrow && (event.target === byID('volume') || !document.fullscreenElement && !embedded())) return; // it scrolls the page
    actions[event.key.toLowerCase()]?.();
  });
  video.addEventListener('dblclick', actions.f);
  hideWhenIdle(stage);
  return actions;
}

function help() {
  const dialog = byID('help');
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

async function fullScreen(stage, video) {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (stage.requestFullscreen) await stage.requestFullscreen();
    else video.webkitEnterFullscreen?.(); // iPhones have it for videos only
  } catch {
    // an iframe without allow="fullscreen"
  }
}

async function pictureInPicture(video) {
  try {
    if (!document.pictureInPictureEnabled) inSafari(video) && video.webkitSetPresentationMode(video.webkitPresentationMode === PIP ? 'inline' : PIP);
    else if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await video.requestPictureInPicture();
  } catch {
    // no picture yet, or not allowed to an iframe
  }
}

const PIP = 'picture-in-picture';

// inSafari: older iPhones have picture in picture by a name of their own.
function inSafari(video) {
  return video.webkitSupportsPresentationMode?.(PIP) ?? false;
}

function embedded() {
  return document.documentElement.hasAttribute('data-embedded');
}

function hideWhenIdle(stage) {
  let timer;
  const wake = () => {
    stage.classList.remove('idle');
    clearTimeout(timer);
    timer = setTimeout(() => stage.classList.add('idle'), IDLE);
  };
  for (const name of ['pointermove', 'pointerdown', 'focusin', 'keydown']) stage.addEventListener(name, wake);
  stage.addEventListener('pointerleave', (event) => {
    if (event.pointerType === 'mouse') stage.classList.add('idle');
  });
  wake();
}
