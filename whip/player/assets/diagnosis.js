// Real connections to test sessions of the server, each by one way alone.

const TRY_TIME = 10000; // ms; a browser gives a TURN server that does not answer longer

// Way is {transport} of the server's candidates, and {relay}, an ICE server to
// go by and nothing else.

// connect tries a way. It returns {ms}, or {error}: 'closed', 'not offered',
// 'unanswered' by the server.
export async function connect(url, { transport, relay }) {
  const pc = new RTCPeerConnection(relay ? { iceServers: [relay], iceTransportPolicy: 'relay' } : {});
  try {
    const start = performance.now();
    const answer = await exchange(url, pc);
    if (!answer) return { error: 'unanswered' };
    const sdp = only(answer.sdp, transport);
    if (!sdp.includes('a=candidate:')) return { error: 'not offered' };
    const connected = state(pc);
    await pc.setRemoteDescription({ type: 'answer', sdp });
    return (await connected) ? { ms: Math.round(performance.now() - start) } : { error: 'closed' };
  } finally {
    pc.close();
  }
}

// offered asks what the server has to offer: {sdp, iceServers}, or undefined.
export async function offered(url) {
  const pc = new RTCPeerConnection();
  try {
    return await exchange(url, pc);
  } finally {
    pc.close();
  }
}

async function exchange(url, pc) {
  pc.addTransceiver('audio', { direction: 'recvonly' });
  await pc.setLocalDescription(await pc.createOffer());
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp' },
    body: pc.localDescription.sdp,
    signal: AbortSignal.timeout(TRY_TIME),
  }).catch(() => undefined);
  return response?.ok ? response.json() : undefined;
}

// state is true once pc has connected, false when it cannot.
function state(pc) {
  return new Promise((resolve) => {
    setTimeout(resolve, TRY_TIME, false);
    pc.addEventListener('connectionstatechange', () => {
      if (pc.connectionState === 'connected') resolve(true);
      if (pc.connectionState === 'failed') resolve(false);
    });
  });
}

// only leaves the candidates of one transport in a session description.
export function only(sdp, transport) {
  return sdp
    .split('\r\n')
    .filter((line) => !line.startsWith('a=candidate:') || line.split(' ')[2].toLowerCase() === transport)
    .join('\r\n');
}

// ports are those of a description's candidates for a transport.
export function ports(sdp, transport) {
  const lines = sdp.split('\r\n').filter((line) => line.startsWith('a=candidate:'));
  const found = lines.map((line) => line.split(' ')).filter((f) => f[2].toLowerCase() === transport);
  return [...new Set(found.map((f) => f[5]))].join(', ');
}
