// What stands below the picture: the stream's name and facts.

import { byID, setText } from './dom.js';
import { audioFormat, count, duration, joined, videoFormat } from './format.js';

const PERIOD = 4000; // ms

// keepFacts shows and refreshes the facts while the page is seen.
export function keepFacts(about) {
  const refresh = async () => {
    if (document.hidden) return;
    show(await about.info(PERIOD / 2).catch(() => undefined));
  };
  setInterval(refresh, PERIOD);
  document.addEventListener('visibilitychange', refresh);
  refresh();
}

function show(info) {
  if (info === undefined) return; // the server is away: what is shown stays
  setText(byID('facts'), info?.live ? facts(info) : '');
  const hint = (info?.live && info.video?.hint) || '';
  setText(byID('hint'), hint && `For the streamer: ${hint}`);
  byID('hint').hidden = !hint;
}

function facts({ video, audio, viewers, since }) {
  return joined(
    videoFormat(video),
    audioFormat(audio),
    count(viewers, 'viewer', 'viewers'),
    `live for ${duration(Date.now() - Date.parse(since))}`,
  );
}
