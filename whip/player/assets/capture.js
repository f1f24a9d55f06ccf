// What is shown: camera or screen, microphone, and how loud it is.

const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SOUND = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: { ideal: 2 } };

// capture returns a MediaStream of what was chosen: picture is camera, screen
// or none; camera and microphone are device ids, '' for the default one;
// microphone may be none.
export async function capture({ picture, camera, microphone }) {
  const stream = new MediaStream();
  const add = (from) => from.getTracks().forEach((track) => stream.addTrack(track));
  try {
    if (picture === 'screen') {
      add(await navigator.mediaDevices.getDisplayMedia({ video: PICTURE, audio: microphone === 'none' }));
      stream.getVideoTracks()[0].contentHint = 'detail';
    }
    const video = picture === 'camera' && { ...PICTURE, ...(camera && { deviceId: { exact: camera } }) };
    const audio = microphone !== 'none' && { ...SOUND, ...(microphone && { deviceId: { exact: microphone } }) };
    if (video || audio) add(await navigator.mediaDevices.getUserMedia({ video, audio }));
  } catch (error) {
    release(stream);
    throw error;
  }
  return stream;
}

// release stops all that a stream shows.
export function release(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

// devices returns those of a kind, videoinput or audioinput. Browsers give them
// names and ids only after they were allowed to use one.
export async function devices(kind) {
  return (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === kind && d.deviceId);
}

// refusal says in words why nothing can be captured.
export function refusal(error) {
  switch (error.name) {
    case 'NotAllowedError':
      return 'The browser was not allowed to use it. Allow it beside the address, then try again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'There is no such camera or microphone.';
    case 'NotReadableError':
      return 'The camera or microphone is in use by another program.';
    default:
      return `It cannot be captured: ${error.message}`;
  }
}

// listen calls tell with the loudness of a stream, 0 to 1, about 15 times a
// second, until the function that it returns is called.
export function listen(stream, tell) {
  if (stream.getAudioTracks().length === 0) {
    tell(0);
    return () => {};
  }
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    tell(Math.max(...samples.map(Math.abs)));
  }, 66);
  return () => {
    clearInterval(timer);
    context.close();
    tell(0);
  };
}
