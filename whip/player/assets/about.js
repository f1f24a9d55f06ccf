// What stands below the picture: the stream's name and facts.

import { byID, setText } from './dom.js';
import { audioFormat, count as counted, duration, joined, videoFormat } from './format.js';

const PERIOD = 4000; // ms

// keepFacts shows and refreshes the facts while the page is seen. It returns
// what to call with a number of viewers that is newer.
export function keepFacts(about) {
  let info;
  const refresh = async () => {
    if (document.hidden) return;
    info = await about.info(PERIOD / 2).catch(() => undefined);
    show(info);
  };
  setInterval(refresh, PERIOD);
  document.addEventListener('visibilitychange', refresh);
  refresh();
  return (viewers) => {
    if (info) show((info = { ...info, viewers }));
  };
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
    counted(viewers, 'viewer', 'viewers'),
    `live for ${duration(Date.now() - Date.parse(since))}`,
  );
}
