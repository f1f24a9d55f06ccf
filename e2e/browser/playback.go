package browser

import "time"

// Playback is what Chromium itself reports of the page's newest connection
// (https://www.w3.org/TR/webrtc-stats/). Counts are since it was made.
type Playback struct {
	Connections int     // made by the page since it was loaded
	State       string  // of the newest
	Now         float64 // milliseconds, of the browser's clock

	Width, Height   int
	FramesDecoded   int
	FramesDropped   int
	KeyFrames       int
	Freezes         int
	FreezeSeconds   float64
	VideoLost       int
	AudioLost       int
	PLIs, NACKs     int
	AudioEnergy     float64
	AudioSamples    int
	AudioConcealed  int
	VideoBuffered   float64 // seconds × frames, see VideoDelay
	VideoEmitted    int
	AudioBuffered   float64 // seconds × samples
	AudioEmitted    int
	SRTP, DTLSState string
	Codecs          []string
}

// Playback reads getStats.
func (p *Page) Playback() Playback {
	p.tb.Helper()
	return evaluate[Playback](p, `(async () => {
		const made = window.peerConnections, pc = made.at(-1);
		const out = {Connections: made.length, State: pc ? pc.connectionState : "", Now: performance.now(), Codecs: []};
		if (!pc) return out;
		for (const s of (await pc.getStats()).values()) {
			if (s.type === "transport") { out.SRTP = s.srtpCipher || ""; out.DTLSState = s.dtlsState; }
			if (s.type === "codec") out.Codecs.push(s.mimeType + " " + (s.sdpFmtpLine || ""));
			if (s.type !== "inbound-rtp") continue;
			if (s.kind === "video") Object.assign(out, {
				Width: s.frameWidth || 0, Height: s.frameHeight || 0,
				FramesDecoded: s.framesDecoded || 0, FramesDropped: s.framesDropped || 0, KeyFrames: s.keyFramesDecoded || 0,
				Freezes: s.freezeCount || 0, FreezeSeconds: s.totalFreezesDuration || 0,
				VideoLost: s.packetsLost || 0, PLIs: s.pliCount || 0, NACKs: s.nackCount || 0,
				VideoBuffered: s.jitterBufferDelay || 0, VideoEmitted: s.jitterBufferEmittedCount || 0,
			});
			if (s.kind === "audio") Object.assign(out, {
				AudioLost: s.packetsLost || 0, AudioEnergy: s.totalAudioEnergy || 0,
				AudioSamples: s.totalSamplesReceived || 0, AudioConcealed: s.concealedSamples || 0,
				AudioBuffered: s.jitterBufferDelay || 0, AudioEmitted: s.jitterBufferEmittedCount || 0,
			});
		}
		return out;
	})()`)
}

// FrameRate is the number of frames decoded a second since an earlier reading.
func (b Playback) FrameRate(since Playback) float64 {
	return float64(b.FramesDecoded-since.FramesDecoded) / (b.Now - since.Now) * 1000
}

// VideoDelay is the mean time that pictures have waited in the jitter buffer
// since an earlier reading.
func (b Playback) VideoDelay(since Playback) time.Duration {
	return mean(b.VideoBuffered-since.VideoBuffered, b.VideoEmitted-since.VideoEmitted)
}

// AudioDelay is the same for sound.
func (b Playback) AudioDelay(since Playback) time.Duration {
	return mean(b.AudioBuffered-since.AudioBuffered, b.AudioEmitted-since.AudioEmitted)
}

func mean(seconds float64, n int) time.Duration {
	if n <= 0 {
		return 0
	}
	return time.Duration(seconds / float64(n) * float64(time.Second))
}
