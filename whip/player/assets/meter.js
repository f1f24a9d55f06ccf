// Meter reads getStats of a connection (https://www.w3.org/TR/webrtc-stats/)
// and makes rates from what changed since an earlier reading.

const SPAN = 900; // ms that rates are measured over, at least

export class Meter {
  #older; // counters that are at least SPAN old
  #newer;
  #rates = { fps: 0, bitrate: 0, lossRate: 0, freezeRate: 0, jitterBufferMs: 0, audioJitterBufferMs: 0, decodeMs: 0 };

  // read returns the figures of now. Counts are since the connection was made.
  async read(pc) {
    const report = [...(await pc.getStats()).values()];
    const find = (type, kind) => report.find((s) => s.type === type && (!kind || s.kind === kind)) ?? {};
    const byID = (id) => report.find((s) => s.id === id) ?? {};
    const video = find('inbound-rtp', 'video');
    const audio = find('inbound-rtp', 'audio');
    const transport = find('transport');
    const pair = selectedPair(report, transport);

    this.#measure(video, audio);
    const rttMs = (pair.currentRoundTripTime ?? 0) * 1000;
    return {
      width: video.frameWidth ?? 0,
      height: video.frameHeight ?? 0,
      framesDecoded: video.framesDecoded ?? 0,
      framesDropped: video.framesDropped ?? 0,
      keyFramesDecoded: video.keyFramesDecoded ?? 0,
      freezeCount: video.freezeCount ?? 0,
      freezeSeconds: video.totalFreezesDuration ?? 0,
      audioEnergy: audio.totalAudioEnergy ?? 0,
      audioSamples: audio.totalSamplesReceived ?? 0,
      audioConcealed: audio.concealedSamples ?? 0,
      videoPackets: video.packetsReceived ?? 0,
      audioPackets: audio.packetsReceived ?? 0,
      packetsReceived: (video.packetsReceived ?? 0) + (audio.packetsReceived ?? 0),
      packetsLost: (video.packetsLost ?? 0) + (audio.packetsLost ?? 0),
      nackCount: video.nackCount ?? 0,
      pliCount: video.pliCount ?? 0,
      ...this.#rates,
      rttMs,
      delayMs: rttMs / 2 + this.#rates.jitterBufferMs + this.#rates.decodeMs, // from the server to the screen
      videoCodec: codecName(byID(video.codecId)),
      audioCodec: codecName(byID(audio.codecId)),
      path: pathOf(byID(pair.localCandidateId), byID(pair.remoteCandidateId)),
      srtp: transport.srtpCipher ?? '',
    };
  }

  #measure(video, audio) {
    const now = {
      at: performance.now(),
      frames: video.framesDecoded ?? 0,
      bytes: (video.bytesReceived ?? 0) + (audio.bytesReceived ?? 0),
      received: (video.packetsReceived ?? 0) + (audio.packetsReceived ?? 0),
      lost: (video.packetsLost ?? 0) + (audio.packetsLost ?? 0),
      frozen: video.totalFreezesDuration ?? 0,
      video: buffered(video),
      audio: buffered(audio),
      decode: { seconds: video.totalDecodeTime ?? 0, count: video.framesDecoded ?? 0 },
    };
    if (this.#newer && now.at - this.#newer.at < SPAN) return;
    this.#older = this.#newer;
    this.#newer = now;
    if (!this.#older) return;
    const seconds = (now.at - this.#older.at) / 1000;
    const since = (name) => now[name] - this.#older[name];
    this.#rates = {
      fps: since('frames') / seconds,
      bitrate: (since('bytes') * 8) / seconds, // bit/s
      lossRate: Math.max(0, since('lost')) / Math.max(1, since('lost') + since('received')), // a late packet makes it fall
      freezeRate: since('frozen') / seconds,
      jitterBufferMs: meanDelay(now.video, this.#older.video),
      audioJitterBufferMs: meanDelay(now.audio, this.#older.audio),
      decodeMs: meanDelay(now.decode, this.#older.decode),
    };
  }
}

function buffered(s) {
  return { seconds: s.jitterBufferDelay ?? 0, count: s.jitterBufferEmittedCount ?? 0 };
}

// meanDelay is the time in ms that each of what came since took: that what
// left the jitter buffer had been in it, or that its decoding took.
function meanDelay(now, before) {
  const count = now.count - before.count;
  return count > 0 ? ((now.seconds - before.seconds) / count) * 1000 : 0;
}

function selectedPair(report, transport) {
  const pairs = report.filter((s) => s.type === 'candidate-pair');
  return (
    pairs.find((p) => p.id === transport.selectedCandidatePairId) ??
    pairs.find((p) => p.selected || (p.nominated && p.state === 'succeeded')) ??
    {}
  );
}

// codecName is, for example, "H264 42e01f".
function codecName({ mimeType = '', sdpFmtpLine = '' }) {
  const name = mimeType.split('/')[1] ?? '';
  const profile = sdpFmtpLine.match(/profile-level-id=(\w+)/)?.[1];
  const stereo = /(^|;)\s*stereo=1/.test(sdpFmtpLine) ? 'stereo' : '';
  return [name, profile ?? stereo].filter(Boolean).join(' ');
}

// pathOf is, for example, "udp, host → 192.0.2.1:8189".
function pathOf(local, remote) {
  if (!remote.port) return '';
  const address = remote.address ?? remote.ip ?? '';
  return `${local.protocol ?? 'udp'}, ${local.candidateType ?? '?'} → ${address.includes(':') ? `[${address}]` : address}:${remote.port}`;
}
