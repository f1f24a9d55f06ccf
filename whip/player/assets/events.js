// The server's word on a session while it lasts: the server-sent events
// extension of WHEP (draft-ietf-wish-whep §4.10.1), where a server offers it.

const EXTENSION = 'urn:ietf:params:whep:ext:core:server-sent-events';

// offered finds the extension in the Link field of a session's 201. It returns
// {url, events}, or undefined.
export function offered(link, base) {
  for (const [, target, parameters] of (link ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    if (!parameters.includes(`rel="${EXTENSION}"`) && !parameters.includes(`rel=${EXTENSION}`)) continue;
    const events = parameters.match(/events="([^"]*)"/)?.[1].split(',').map((e) => e.trim()) ?? [];
    return { url: new URL(target, base), events };
  }
  return undefined;
}

// listen asks for those events of wanted (name → function of the event's data)
// that are offered, until signal aborts. It does without when it cannot.
export async function listen(offer, wanted, signal) {
  const names = Object.keys(wanted).filter((name) => offer.events.includes(name));
  const response = await fetch(offer.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(names),
    signal,
  }).catch(() => undefined);
  const location = response?.status === 201 && response.headers.get('Location');
  if (!location || signal.aborted) return;
  const source = new EventSource(new URL(location, response.url));
  for (const name of names) source.addEventListener(name, ({ data }) => wanted[name](parsed(data)));
  signal.addEventListener('abort', () => source.close());
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return {};
  }
}
