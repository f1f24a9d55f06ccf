package transcode

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	rateSpan  = 2 * time.Second // over which a rate is measured
	rateSpans = 5               // that are remembered
)

// rate measures a stream by its own clock.
type rate struct {
	start  time.Duration
	bytes  int
	frames int // 0: nothing yet

	bits [rateSpans]int // a second, of the last spans
	fps  float64        // of the last span
}

func (r *rate) add(au *media.AccessUnit) {
	span := au.DTS - r.start
	if r.frames == 0 || span < 0 {
		*r = rate{start: au.DTS, bits: r.bits, fps: r.fps}
		span = 0
	}
	if span >= rateSpan {
		copy(r.bits[1:], r.bits[:])
		r.bits[0], r.fps = perSecond(8*r.bytes, span), float64(r.frames)/span.Seconds()
		r.start, r.bytes, r.frames = au.DTS, 0, 0
	}
	r.frames++
	for _, n := range au.NALUs {
		r.bytes += len(n)
	}
}

// bitrate is the highest of late, in bit/s; 0: not known.
func (r *rate) bitrate() (most int) {
	for _, b := range r.bits {
		most = max(most, b)
	}
	return most
}

func perSecond(n int, span time.Duration) int {
	return int(int64(n) * int64(time.Second) / int64(span))
}
