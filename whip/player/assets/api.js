// What the server says of its streams.

const PATIENCE = 5000; // ms for an answer

// root is where Sluice is: behind a proxy not always the root of its host.
export const root = new URL('..', import.meta.url);

async function get(path, token) {
  const response = await fetch(new URL(path, root), {
    cache: 'no-store',
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.json();
}

// streams returns all that the server lists to everybody.
export async function streams() {
  return (await get('api/streams'))?.streams ?? [];
}

// Stream asks for one stream, at most once in a while.
export class Stream {
  #path;
  #asked = -Infinity;
  #answer = Promise.resolve(null);
  token; // what a closed stream asks for, if there is one

  constructor(path, token) {
    this.#path = path;
    this.token = token;
  }

  // info returns what the server says of the stream, null when it knows none.
  // An answer is good for maxAge ms.
  info(maxAge) {
    if (performance.now() - this.#asked > maxAge) {
      this.#asked = performance.now();
      this.#answer = get(this.#path, this.token);
    }
    return this.#answer;
  }
}
