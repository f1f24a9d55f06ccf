// The little of the DOM that the pages need. Text goes in as text, never as
// markup.

export const byID = (id) => document.getElementById(id);

// element makes an element with properties and children.
export function element(name, properties = {}, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

// setText changes text only where it differs, so that screen readers speak up
// only for what is new.
export function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

// sleep waits ms, or until the signal aborts, or one of the events
// ([target, name]) comes.
export function sleep(ms, signal, ...events) {
  return new Promise((resolve) => {
    const woken = new AbortController();
    const timer = setTimeout(wake, ms);
    function wake() {
      clearTimeout(timer);
      woken.abort();
      resolve();
    }
    if (signal?.aborted) wake();
    const options = { once: true, signal: woken.signal };
    signal?.addEventListener('abort', wake, options);
    for (const [target, name] of events) target.addEventListener(name, wake, options);
  });
}
