// Player keeps one stream playing: it makes sessions, watches them, tells what
// goes on in words, and tries again.
//
// States: connecting, waiting (connected, no picture yet), live, offline
// (nobody publishes), reconnecting, unsupported (this browser cannot).

import { sleep } from './dom.js';
import { listen } from './events.js';
import { Meter } from './meter.js';
import { Pulse } from './pulse.js';
import { Session } from './whep.js';
import { explain, Lost, NOBODY } from './trouble.js';

// All in ms.
const LOOK = 500; //         between looks at the connection
const CONNECT = 10_000; //   for ICE and DTLS
const FIRST = 1000; //       for the first picture before the server is asked why
const SILENT = 5000; //      without a packet of a live stream before it is joined anew
const FROZEN = 12_000; //    with packets but no picture: OBS's keyframes are 8.3 s apart
const STEADY = 10_000; //    of playing before the next trouble counts as the first

export class Player {
  #video;
  #url;
  #about;
  #stream; // MediaStream of the session
  #onState;
  #onViewers;
  #abort;
  #session;
  #meter = new Meter();
  #troubles = 0; // in a row
  #soundOnly = false; // the stream has no picture
  #inactive = false; // the server said so
  token; // for a closed stream
  state = 'connecting';

  // onState gets ({state, headline, detail}) when something changed, onViewers
  // their number, where the server tells it.
  constructor({ video, url, token, about, onState, onViewers }) {
    this.#video = video;
    this.#url = url;
    this.token = token;
    this.#onViewers = onViewers;
    this.#about = about;
    this.#onState = onState;
  }

  start() {
    if (this.#abort) return;
    this.#abort = new AbortController();
    this.#troubles = 0;
    this.#run(this.#abort.signal);
  }

  // stop ends the session, on the server too.
  stop() {
    this.#abort?.abort();
    this.#abort = undefined;
    this.#session?.close();
  }

  // again ends a pause between two tries.
  again() {
    this.#video.dispatchEvent(new Event('again'));
  }

  // stats returns the figures of now.
  async stats() {
    const figures = this.#session ? await this.#meter.read(this.#session.pc) : {};
    return { state: this.state, currentTime: this.#video.currentTime, ...figures };
  }

  async #run(signal) {
    let session;
    this.#say({ state: 'connecting', headline: 'Connecting…' });
    while (!signal.aborted) {
      let trouble;
      try {
        session ??= this.#open();
        await session.connect(signal);
        this.#listen(session);
        await this.#follow(session, signal);
      } catch (error) {
        trouble = error;
      }
      if (!trouble?.retryAfter) { // else the same offer can be made again
        session?.close();
        session = undefined;
      }
      if (signal.aborted) break;
      await this.#pause(trouble, signal);
    }
    session?.close();
  }

  #open() {
    this.#meter = new Meter();
    this.#stream = undefined;
    this.#session = new Session(this.#url, this.token, (stream) => this.#attach(stream));
    return this.#session;
  }

  // attach shows a stream. Without its picture if none is to come: browsers
  // wait for one before they play the sound.
  #attach(stream) {
    this.#stream = stream;
    const tracks = this.#soundOnly ? stream.getAudioTracks() : stream.getTracks();
    const shown = this.#video.srcObject?.getTracks() ?? [];
    if (tracks.length === shown.length && tracks.every((t) => shown.includes(t))) return;
    this.#video.srcObject = new MediaStream(tracks);
  }

  // pause says what is wrong and waits before the next try.
  async #pause(trouble, signal) {
    const { pause, ...said } = explain(trouble, this.#troubles);
    // A session that ended while nobody published is no news.
    if (!(trouble instanceof Lost && this.state === 'offline')) this.#say(said);
    this.#troubles++;
    await sleep(pause, signal, [this.#video, 'again'], [window, 'online']);
  }

  // listen takes the server's word on the stream, where it offers to give it.
  #listen(session) {
    this.#inactive = false;
    if (!session.events) return;
    const turn = (inactive) => {
      this.#inactive = inactive;
      this.#video.dispatchEvent(new Event('news'));
    };
    listen(session.events, {
      active: () => turn(false),
      inactive: () => turn(true),
      viewercount: ({ viewercount }) => this.#onViewers(viewercount),
    }, session.ended);
  }

  // follow watches a session until it is lost, which it throws.
  async #follow(session, signal) {
    const begun = performance.now();
    const pulse = new Pulse(begun);
    const lookAgain = () => sleep(LOOK, signal, [session.pc, 'connectionstatechange'], [this.#video, 'loadeddata'], [this.#video, 'news']);
    for (; !signal.aborted; await lookAgain()) {
      if (session.lost) throw new Lost('The connection was lost.');
      const now = performance.now();
      if (!session.connected && !pulse.started) {
        if (now - begun > CONNECT) throw new Lost('The server answers, but no media gets through. Is its UDP port open?');
        continue;
      }
      pulse.feel(now, await this.#meter.read(session.pc), this.#soundOnly);
      if (pulse.playing(now, this.#inactive)) this.#playing(now - begun);
      else if (!pulse.started && now - begun < FIRST) this.#say({ state: 'waiting', headline: 'Waiting for the first picture…' });
      else await this.#still(pulse, now);
    }
  }

  #playing(since) {
    if (since > STEADY) this.#troubles = 0;
    const headline = this.#soundOnly ? 'Sound only' : '';
    if (this.state !== 'live') this.#say({ state: 'live', headline });
  }

  // still finds out why there is no picture. It throws what only a new session
  // can mend.
  async #still(pulse, now) {
    const info = this.#inactive ? null : await this.#info();
    if (!info?.live) {
      pulse.rest(now); // the session stays: the server plays on in it
      if (pulse.started) this.#say({ state: 'offline', headline: 'The stream has stopped', detail: 'It goes on here as soon as it is back.' });
      else this.#say(NOBODY);
      return;
    }
    if (pulse.withoutPackets(now) > SILENT) throw new Lost('Nothing comes from the server any more.');
    if (pulse.withoutPicture(now) > FROZEN) throw new Lost('The picture is frozen.');
    if (pulse.started) this.#say({ state: 'reconnecting', headline: 'The picture has stopped', detail: 'Trying to get it back…' });
    else this.#say({ state: 'waiting', headline: 'Waiting for the first picture…', detail: 'It comes with the stream’s next keyframe.' });
  }

  // info asks about the stream; the server being away means the session is too.
  async #info() {
    try {
      const info = await this.#about.info(LOOK * 2);
      this.#soundOnly = Boolean(info?.live && !info.video);
      if (this.#stream) this.#attach(this.#stream);
      return info;
    } catch {
      throw new Lost('The server cannot be reached.');
    }
  }

  #say(said) {
    // A long wait for the stream must not slow down the mending of a loss.
    if ((said.state === 'offline') !== (this.state === 'offline')) this.#troubles = 0;
    this.state = said.state;
    this.#onState({ detail: '', ...said });
  }
}
