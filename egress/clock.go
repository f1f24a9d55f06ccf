package egress

import (
	"sync/atomic"
	"time"
)

const (
	// clockWindow is how long a smallest delay is remembered: long enough to
	// see past jitter, short enough to follow drifting clocks.
	clockWindow = 5 * time.Second
	// clockSlew is the largest change a second: 1 ms, far below what a
	// receiver's synchronisation could be seen to follow, ten times what
	// crystals drift.
	clockSlew = time.Millisecond
	// clockStep is the difference beyond which slewing would take too long
	// and the clock steps: the publisher stalled, or drained a backlog.
	clockStep = 100 * time.Millisecond
)

// clock maps wall time to a stream's media time: media time 0 was at the lower
// envelope of arrival − media time, slewed. All sender reports, of audio and
// video alike, come from it, so that their relation never wobbles.
type clock struct {
	epoch  time.Time    // static
	origin atomic.Int64 // nanoseconds from epoch to media time 0; written by the hub

	// owned by the hub
	settled          bool // the first window is over
	started          bool
	current, before  time.Duration // smallest delays of this window and the one before
	windowEnd, moved time.Duration // since epoch
}

func newClock(now time.Time) *clock { return &clock{epoch: now} }

// at returns the media time of an instant.
func (c *clock) at(t time.Time) time.Duration {
	return t.Sub(c.epoch) - time.Duration(c.origin.Load())
}

// when returns the instant of a media time: when its frame was captured, or as
// much later as all frames take to come here.
func (c *clock) when(m time.Duration) time.Time {
	return c.epoch.Add(m + time.Duration(c.origin.Load()))
}

// observe takes note that a frame of media time m arrived.
func (c *clock) observe(m time.Duration, arrival time.Time) {
	now := arrival.Sub(c.epoch)
	delay := now - m
	if !c.started {
		c.started = true
		c.current, c.before = delay, delay
		c.windowEnd, c.moved = now+clockWindow, now
		c.origin.Store(int64(delay))
		return
	}
	if now >= c.windowEnd {
		c.before, c.current, c.windowEnd = c.current, delay, now+clockWindow
		c.settled = true
	}
	c.current = min(c.current, delay)
	if !c.settled { // what the first frames met by chance is not worth minutes of slewing
		c.origin.Store(int64(c.current))
		c.before, c.moved = c.current, now
		return
	}
	c.slew(min(c.current, c.before), now)
}

// slew moves the origin towards target as far as the time since the last move
// allows.
func (c *clock) slew(target, now time.Duration) {
	origin := time.Duration(c.origin.Load())
	most := time.Duration(int64(now-c.moved) * int64(clockSlew) / int64(time.Second))
	diff := target - origin
	switch {
	case diff.Abs() > clockStep:
		origin = target
	case now <= c.moved:
		return
	default:
		origin += min(max(diff, -most), most)
	}
	c.moved = now
	c.origin.Store(int64(origin))
}
