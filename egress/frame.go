package egress

import "time"

// Kind tells video from audio.
type Kind uint8

// The kinds of a Frame.
const (
	Video Kind = iota
	Audio
)

// Frame is one access unit or audio frame as RTP payloads. It is the unit of
// fan-out: the same Frame goes to every Subscriber and is never changed.
type Frame struct {
	Kind Kind

	// Index counts the video frames of a stream from 1, without gaps.
	Index uint64

	// PTS is on the hub's clock: continuous from one publication of the name
	// to the next.
	PTS time.Duration

	// Skew is how far the publisher's clock is ahead of PTS; only sender
	// reports use it (see media.AudioFrame).
	Skew time.Duration

	// Encoding is that of a video frame.
	Encoding Encoding

	// IDR says that decoding can begin here.
	IDR bool

	// Skipped is not sent to who began at the last IDR (see media.AccessUnit).
	Skipped bool

	// Payloads are the RTP payloads in order; the marker bit belongs to the
	// last of a video frame, whatever its codec (RFC 6184 §5.1).
	Payloads [][]byte

	// Size is the sum of the payloads in bytes.
	Size int

	// Arrival is when the publisher's message had been read whole.
	Arrival time.Time
}

// Subscriber takes the frames of a stream. Deliver must not block; calls do
// not overlap.
type Subscriber interface {
	Deliver(*Frame)
}

// ticks converts a media time to RTP ticks of a clock of rate Hz (48000 or
// 90000), rounding down. Equal steps of time that are whole ticks stay equal
// steps of ticks whatever the starting point.
func ticks(t time.Duration, rate int64) uint32 {
	const second = int64(time.Second)
	s, ns := int64(t)/second, int64(t)%second
	if ns < 0 { // keep the remainder positive, so that rounding is downward
		s, ns = s-1, ns+second
	}
	return uint32(s*rate + ns*rate/second) // RTP time wraps (RFC 3550 §5.1)
}
