// The player's buttons and keys.

import { byID } from './dom.js';

const IDLE = 3000; // ms until the controls hide over a playing picture

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
  };
  const buttons = { full: 'f', pip: 'p', statsButton: 's', helpButton: '?' };
  for (const [id, key] of Object.entries(buttons)) byID(id).addEventListener('click', actions[key]);
  byID('pip').hidden = !document.pictureInPictureEnabled;
  byID('helpClose').addEventListener('click', () => byID('help').close());
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
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
  if (!document.pictureInPictureEnabled) return;
  try {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await video.requestPictureInPicture();
  } catch {
    // no picture yet, or not allowed to an iframe
  }
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
