// What goes wrong between a player and its server, in words, and how long to
// wait before it is tried again.

import { Refusal } from './whep.js';

// All in ms.
const FIRST = 500; //        the first pause after a loss, doubled each time
const LONGEST = 10_000;
const OFFLINE = 2000; //     between looks for a stream, if the server says no time
const HOPELESS = 20_000; //  between tries of what will hardly change

// Lost is a session that ended after it was made.
export class Lost extends Error {}

// NOBODY is what is said while there is no stream yet.
export const NOBODY = {
  state: 'offline',
  headline: 'Waiting for the stream',
  detail: 'Nobody is streaming here now. It starts by itself as soon as somebody does.',
};

// explain returns {state, headline, detail, pause} for an error; tries counts
// the troubles in a row before this one.
export function explain(error, tries) {
  if (error instanceof Refusal) return refused(error, tries);
  if (typeof RTCPeerConnection === 'undefined') {
    return {
      state: 'unsupported',
      headline: 'This browser has no WebRTC',
      detail: 'It is needed to play live streams. It may be switched off in the settings; otherwise use another browser.',
      pause: HOPELESS,
    };
  }
  const pause = backoff(tries);
  if (error instanceof Lost) return { state: 'reconnecting', headline: 'Reconnecting…', detail: error.message, pause };
  if (error instanceof TypeError || error.name === 'TimeoutError') { // of fetch
    return { state: 'reconnecting', headline: 'The server cannot be reached', detail: 'Trying again…', pause };
  }
  return { state: 'reconnecting', headline: 'The connection could not be made', detail: `${error.message} Trying again…`, pause };
}

function refused(refusal, tries) {
  const { status, message, retryAfter } = refusal;
  switch (status) {
    case 404:
    case 409:
      return { ...NOBODY, pause: spread(Math.min(LONGEST, (retryAfter ?? OFFLINE) * (tries < 30 ? 1 : 2))) };
    case 401:
      return { state: 'offline', headline: 'This stream is not open to everybody', detail: 'Watching it takes a token.', ask: true, pause: HOPELESS };
    case 403:
      return { state: 'offline', headline: 'This stream is not open to you', detail: message, pause: HOPELESS };
    case 422:
      return { state: 'unsupported', ...unplayable(refusal), pause: HOPELESS };
    case 429:
    case 503:
      return {
        state: 'reconnecting',
        headline: 'The server is busy',
        detail: `It says: ${message}. Trying again…`,
        pause: spread(Math.max(retryAfter ?? 0, backoff(tries))),
      };
    default:
      return {
        state: 'reconnecting',
        headline: 'The server could not start the stream',
        detail: `It says: ${message}. Trying again…`,
        pause: Math.max(retryAfter ?? 0, backoff(tries + 2)),
      };
  }
}

function unplayable({ offeredH264, message }) {
  if (offeredH264 || !message.includes('the stream is H.264')) return { headline: 'This browser cannot play the stream', detail: `The server says: ${message}.` };
  return {
    headline: 'This browser offers no H.264',
    detail: navigator.userAgent.includes('Firefox')
      ? 'The stream is H.264 video. Firefox downloads what it needs for it (OpenH264) by itself, about a minute after ' +
        'its first start. This page tries again by itself; if that does not help, use another browser.'
      : 'The stream is H.264 video, and this browser was built without it. Use another one, such as Chrome, Edge, Safari or Firefox.',
  };
}

function backoff(tries) {
  return spread(Math.min(LONGEST, FIRST * 2 ** Math.min(tries, 10)));
}

// spread keeps a thousand viewers from coming back in the same instant.
function spread(ms) {
  return ms * (1 + Math.random() * 0.2);
}
