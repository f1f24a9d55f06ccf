// <sluice-player> puts a stream of this Sluice into any page:
//
//   <script type="module" src="https://HOST/sluice-player.js"></script>
//   <sluice-player stream="live/show"></sluice-player>
//
// Attributes: stream (app/key); token (for streams that ask for one); sound
// (start with it, where the browser lets it); bare (no controls); stats (start
// with the figures shown). Properties: state and stream, muted and volume, which
// can be set; stats() is a promise of the figures. Event: statechange, with
// detail {state, headline, detail}. It is a block as wide as its surroundings
// and as high as the picture asks for, unless CSS gives it a height.

const home = new URL('.', import.meta.url);

const look = new CSSStyleSheet();
look.replaceSync(`
  :host { display: block; position: relative; overflow: hidden; aspect-ratio: var(--aspect, 16 / 9); background: #000; }
  :host([hidden]) { display: none; }
  iframe { position: absolute; inset: 0; width: 100%; height: 100%; border: 0; }`);

class SluicePlayer extends HTMLElement {
  static observedAttributes = ['stream', 'token', 'sound', 'bare', 'stats'];

  #frame = document.createElement('iframe');
  #sound = { muted: true, volume: 1 };
  #asked = new Map(); // resolve functions of stats(), by id
  #hear = (event) => this.#heard(event);
  state = 'connecting';

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [look];
    this.#frame.allow = 'autoplay; fullscreen; picture-in-picture; encrypted-media';
    shadow.append(this.#frame);
  }

  connectedCallback() {
    window.addEventListener('message', this.#hear);
    this.#load();
  }

  disconnectedCallback() {
    window.removeEventListener('message', this.#hear);
  }

  attributeChangedCallback(_name, before, now) {
    if (this.isConnected && before !== now) this.#load();
  }

  get stream() {
    return this.getAttribute('stream') ?? '';
  }
  set stream(name) {
    this.setAttribute('stream', name);
  }

  get muted() {
    return this.#sound.muted;
  }
  set muted(muted) {
    this.#say({ sluice: 'sound', muted: Boolean(muted) });
  }

  get volume() {
    return this.#sound.volume;
  }
  set volume(volume) {
    this.#say({ sluice: 'sound', volume: Number(volume) });
  }

  stats() {
    const id = crypto.getRandomValues(new Uint32Array(1))[0];
    this.#say({ sluice: 'stats', id });
    return new Promise((resolve) => this.#asked.set(id, resolve));
  }

  #load() {
    if (!this.stream) return;
    const slash = this.stream.indexOf('/');
    const parts = [this.stream.slice(0, slash), this.stream.slice(slash + 1)].map(encodeURIComponent);
    const url = new URL(`watch/${parts.join('/')}`, home);
    if (this.hasAttribute('sound')) url.searchParams.set('muted', '0');
    if (this.hasAttribute('bare')) url.searchParams.set('controls', '0');
    if (this.hasAttribute('stats')) url.searchParams.set('stats', '1');
    if (this.hasAttribute('token')) url.hash = new URLSearchParams({ token: this.getAttribute('token') });
    this.#frame.title = `Live stream ${this.stream}`;
    this.#frame.src = url;
  }

  #say(message) {
    this.#frame.contentWindow?.postMessage(message, home.origin);
  }

  #heard({ source, origin, data }) {
    if (source !== this.#frame.contentWindow || origin !== home.origin) return;
    const { sluice: kind, ...said } = data;
    switch (kind) {
      case 'state':
        this.state = said.state;
        this.dispatchEvent(new CustomEvent('statechange', { detail: said }));
        break;
      case 'sound':
        this.#sound = said;
        break;
      case 'size':
        if (said.height > 0) this.style.setProperty('--aspect', said.width / said.height);
        break;
      case 'stats':
        this.#asked.get(said.id)?.(said.stats);
        this.#asked.delete(said.id);
        break;
    }
  }
}

customElements.define('sluice-player', SluicePlayer);
