// How the pages write names, times and formats.

// watchPath is the address of a stream's player, seen from the list. The name is app/key; the key
// may hold anything.
export function watchPath(name) {
  const [app, key] = splitName(name);
  return `watch/${encodeURIComponent(app)}/${encodeURIComponent(key)}`;
}

export function splitName(name) {
  const slash = name.indexOf('/');
  return slash < 0 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
}

// duration writes a time in ms, coarsely: it is read, not measured with.
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min`;
  return `${seconds} s`;
}

export function count(n, one, many) {
  return `${n} ${n === 1 ? one : many}`;
}

const CHANNELS = { 1: 'mono', 2: 'stereo', 6: '5.1', 8: '7.1' };

// videoFormat is, for example, 1280×720, 30 fps, H.264: facts for joined.
export function videoFormat(video) {
  if (!video) return [];
  return [
    video.width > 0 && `${video.width}×${video.height}`,
    video.frameRate > 0 && `${Number(video.frameRate.toFixed(2))} fps`,
    video.codec === 'H264' ? 'H.264' : video.codec,
  ];
}

// joined puts facts in a row that breaks only between them.
export function joined(...facts) {
  return facts.flat().filter(Boolean).map((f) => f.replaceAll(' ', '\u00a0')).join('\u00a0· ');
}

// audioFormat is, for example, "Opus stereo".
export function audioFormat(audio) {
  if (!audio) return '';
  return [audio.codec, CHANNELS[audio.channels] ?? ''].filter(Boolean).join(' ');
}
