package access

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

var laptop, desktop = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")

// encoder is a publisher of live/cam that sends frames at an interval until it
// is ended.
type encoder struct {
	seat *Seat
	end  context.CancelCauseFunc
	ctx  context.Context
}

func publish(t *testing.T, s *Seats, from netip.Addr, interval time.Duration) (*encoder, error) {
	t.Helper()
	e := &encoder{}
	e.ctx, e.end = context.WithCancelCause(t.Context())
	var err error
	if e.seat, err = s.Take(t.Context(), Claim{Stream: "live/cam", Address: from, End: e.end}); err != nil {
		return nil, err
	}
	go func() {
		defer e.seat.Leave()
		for {
			select {
			case <-time.After(interval):
				e.seat.Heard(time.Now(), 0)
			case <-e.ctx.Done():
				return
			}
		}
	}()
	return e, nil
}

const dead = time.Hour // between two frames

func TestSeats(t *testing.T) {
	for _, c := range []struct {
		name     string
		replace  bool
		interval time.Duration
		since    time.Duration // the holder's begin
		from     netip.Addr
		want     error
		after    time.Duration
	}{
		{"a living holder keeps the name", false, 20 * time.Millisecond, time.Minute + 5*time.Millisecond, desktop, ErrTaken, 15 * time.Millisecond},
		{"so does one of one picture a second", false, time.Second, time.Minute + time.Second/2, desktop, ErrTaken, time.Second / 2},
		{"from the same address too", false, 20 * time.Millisecond, time.Minute + 5*time.Millisecond, laptop, ErrTaken, 15 * time.Millisecond},
		{"a dead one loses it at once", false, dead, time.Minute, desktop, nil, 0},
		{"one that fell silent just now when that is sure", false, dead, time.Second, laptop, nil, 2 * time.Second},
		{"replace: a living one loses it at once", true, 20 * time.Millisecond, time.Minute, desktop, nil, 0},
		{"replace: a dead one too", true, dead, time.Second, desktop, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Seats{Replace: c.replace}
				first, err := publish(t, s, laptop, c.interval)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.since)
				start := time.Now()
				second, err := publish(t, s, c.from, dead)
				if !errors.Is(err, c.want) || time.Since(start) != c.after {
					t.Fatalf("%v after %v, want %v after %v", err, time.Since(start), c.want, c.after)
				}
				if got := context.Cause(first.ctx); (got == nil) != (c.want != nil) {
					t.Errorf("the first one ends with %v", got)
				}
				first.end(nil)
				if second != nil {
					second.end(nil)
				}
				synctest.Wait()
				if len(s.taken) > 0 {
					t.Error("the name is taken although nobody publishes")
				}
			})
		})
	}
}

// Two encoders with one key that reconnect by themselves do not take turns:
// who was pushed out comes back only when its successor has gone or is dead.
func TestReplaceIsNoTugOfWar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Seats{Replace: true}
		take := func(from netip.Addr) *encoder {
			t.Helper()
			e, err := publish(t, s, from, 20*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			return e
		}
		take(laptop)
		take(desktop)
		if _, err := publish(t, s, laptop, dead); !errors.Is(err, ErrTaken) {
			t.Errorf("the one pushed out comes back: %v", err)
		}
		third := take(netip.MustParseAddr("192.0.2.3"))
		for _, from := range []netip.Addr{laptop, desktop} {
			if _, err := publish(t, s, from, dead); !errors.Is(err, ErrTaken) {
				t.Errorf("one pushed out before comes back: %v", err)
			}
		}
		third.end(nil)
		synctest.Wait()
		take(laptop).end(nil)
	})
}

// A holder that does not end when it is told to keeps its name, and the
// newcomer is not kept for ever.
func TestHolderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Seats{Replace: true}
		seat, err := s.Take(t.Context(), Claim{Stream: "live/cam", Address: laptop, End: func(error) {}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := publish(t, s, desktop, dead); !errors.Is(err, ErrTaken) || time.Since(start) != patience+handover {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the newcomer hung up
		if _, err := s.Take(ctx, Claim{Stream: "live/cam", Address: desktop, End: func(error) {}}); !errors.Is(err, ErrTaken) {
			t.Error(err)
		}
		seat.Leave()
	})
}
