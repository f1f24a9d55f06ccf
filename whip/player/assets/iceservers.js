// The servers by which a viewer is reached where the network lets nothing else
// through, as a 201 names them (draft-ietf-wish-whep §4.8).

// iceServers reads the Link field of a response, for RTCPeerConnection.
export function iceServers(link) {
  const list = [];
  for (const [, urls, parameters] of (link ?? '').matchAll(/<((?:stun|turn)s?:[^>]*)>([^<]*)/g)) {
    if (!/\brel="?ice-server"?/.test(parameters)) continue;
    const value = (name) => parameters.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];
    const [username, credential] = [value('username'), value('credential')];
    list.push(username ? { urls, username, credential } : { urls });
  }
  return list;
}
