package transcode

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	// tolerance is how far a frame's timestamp may be from where it is
	// expected and still be jitter: twice the 30 ms of the worst publishers,
	// as the first frame has its share. Three frames at 48 kHz are 64 ms.
	tolerance = 60 * time.Millisecond

	// smoothing is the number of frames over which drift is averaged: 5.5 s
	// at 48 kHz, so that rounding to milliseconds disappears and a drift of
	// 150 ppm is followed within 1 ms.
	smoothing = 256
)

// clock gives each AAC frame its place on a time line that counts samples. It
// never goes backwards, and jumps only where frames are missing.
type clock struct {
	begun  bool
	anchor time.Duration // place of the first sample counted
	count  int64         // samples since
	rate   int           // of these samples, Hz

	skew time.Duration // publisher's time minus place, averaged
}

// place is where a frame is on the clock's time line.
type place struct {
	start, end time.Duration // media time
	skew       time.Duration // of the publisher's clock, see media.AudioFrame
}

// next places the next frame, whose config is a usable one.
func (c *clock) next(f *media.AudioFrame) place {
	if c.rate != f.Config.SampleRate {
		c.restart(c.position())
		c.rate = f.Config.SampleRate
	}
	at := c.position()
	off := f.PTS - at - c.skew
	switch {
	case !c.begun:
		c.begun = true
		c.restart(f.PTS)
	case off > tolerance: // a gap
		c.restart(max(at, f.PTS))
		c.skew = f.PTS - c.anchor
	case off < -tolerance: // a step back: the samples go on, the mapping is new
		c.skew = f.PTS - at
	default:
		c.skew += off / smoothing
	}
	start := c.position()
	c.count += samples(f)
	return place{start: start, end: c.position(), skew: c.skew}
}

func (c *clock) restart(anchor time.Duration) { c.anchor, c.count = anchor, 0 }

// position is the place of the next sample. It is computed from the count, so
// that rounding does not add up at rates such as 44,100 Hz.
func (c *clock) position() time.Duration {
	if c.rate == 0 {
		return c.anchor
	}
	rate := int64(c.rate)
	return c.anchor + time.Duration(c.count/rate)*time.Second +
		time.Duration(c.count%rate)*time.Second/time.Duration(rate)
}

// samples is the number of samples of a frame, at the rate of its config.
func samples(f *media.AudioFrame) int64 {
	if n := f.Config.FrameSamples; n > 0 {
		return int64(n)
	}
	return int64((f.Duration*time.Duration(f.Config.SampleRate) + time.Second/2) / time.Second)
}
