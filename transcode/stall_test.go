package transcode

import (
	"testing"
	"time"
)

func TestStall(t *testing.T) {
	const ms = time.Millisecond
	type event struct {
		wait time.Duration // since the event before
		n    int           // frames, so far apart; 0: a packet
	}
	for _, c := range []struct {
		name   string
		ready  bool
		events []event
		want   bool
	}{
		{"fed for 0.49 s", true, []event{{21 * ms, 24}}, false},
		{"fed for 0.53 s", true, []event{{21 * ms, 26}}, true},
		{"a packet in between", true, []event{{21 * ms, 20}, {0, 0}, {21 * ms, 20}}, false},
		{"a pause of the publisher", true, []event{{21 * ms, 5}, {10 * time.Second, 1}, {21 * ms, 5}}, false},
		{"a burst", true, []event{{0, 1000}}, false},
		{"may be starting", false, []event{{21 * ms, 250}}, false},
		{"cannot be starting any more", false, []event{{21 * ms, 290}}, true},
		{"has started", false, []event{{21 * ms, 100}, {0, 0}, {21 * ms, 26}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stall{limit: stallTimeout, ready: c.ready}
			now, got := time.Unix(1000, 0), false
			for _, e := range c.events {
				if e.n == 0 {
					s.returned()
				}
				for range e.n {
					now = now.Add(e.wait)
					got = s.fed(now, 21*ms)
				}
			}
			if got != c.want {
				t.Errorf("stalled: %v", got)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	const s = time.Second
	now := time.Unix(1000, 0)
	var b backoff
	fail := func(lived, want time.Duration, givenUp bool) {
		t.Helper()
		began := now
		now = now.Add(lived)
		got := b.failed(began, now)
		if got != want || b.givenUp != givenUp {
			t.Errorf("pause %v, given up: %v; want %v, %v", got, b.givenUp, want, givenUp)
		}
		now = now.Add(got)
	}
	fail(0, 0, false)
	fail(s, s/10, false)
	fail(s, s/2, false)
	fail(0, 2*s, false)
	fail(0, 5*s, false)
	fail(0, 30*s, true)
	fail(s, 30*s, true) // still
	fail(29*s, 30*s, true)
	fail(30*s, 0, false) // that one was good
	fail(0, s/10, false)
	fail(30*s-50*time.Millisecond, 0, false) // the others are out of the window
}

func TestTail(t *testing.T) {
	var l tail
	l.Write([]byte("begin"))
	l.Write([]byte(" of a line\n\n  \nsecond\r\npart"))
	if got := l.String(); got != "begin of a line\nsecond\npart" {
		t.Errorf("got %q", got)
	}
	for range 100 {
		l.Write([]byte("x\n"))
	}
	long := make([]byte, 5000)
	for i := range long {
		long[i] = 'y'
	}
	l.Write(append(long, "\nend"...))
	got := l.String()
	if n := len(got); n != 18*2+tailWidth+1+3 || got[n-4:] != "\nend" {
		t.Errorf("%d bytes: %.50q", n, got)
	}
}
