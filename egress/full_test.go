package egress

import (
	"testing"
	"time"
)

// A viewer whose line takes nothing for a while, as TCP may not, loses frames
// whole, and goes on from the cache as soon as it takes some again.
func TestFullLine(t *testing.T) {
	s := newScene(t, 30, 40)
	full := false
	s.play.full = func() bool { return full }
	s.frames(s.run(2 * time.Second))
	full = true
	if packets := s.run(time.Second); len(packets) != 0 {
		t.Errorf("%d packets were sent", len(packets))
	}
	if pause := s.play.step(s.now, &ledger{}); pause != whileFull {
		t.Errorf("it looks again after %v, want %v", pause, whileFull)
	}
	s.run(8 * time.Second) // more than waits for one viewer
	if n := s.counter(s.play.metrics.dropped[DropQueueFull]); n == 0 {
		t.Error("no frame was dropped")
	}
	full = false
	ts := s.frames(s.run(time.Second))
	if len(ts) == 0 || s.lag(ts) > 3*frameTime {
		t.Errorf("after %d frames it is not live", len(ts))
	}
}
