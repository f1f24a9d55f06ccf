package egress

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestTicks(t *testing.T) {
	cases := []struct {
		t    time.Duration
		rate int64
		want uint32
	}{
		{0, videoClock, 0},
		{time.Second, videoClock, 90000},
		{33 * time.Millisecond, videoClock, 2970},
		{20 * time.Millisecond, audioClock, 960},
		{-20 * time.Millisecond, audioClock, 1<<32 - 960},
		{47722 * time.Second, videoClock, 47722 * 90000 % (1 << 32)},                        // past the wrap of 13 h 15 min
		{200 * 365 * 24 * time.Hour, audioClock, 200 * 365 * 24 * 3600 * 48000 % (1 << 32)}, // no overflow
	}
	for _, c := range cases {
		if got := ticks(c.t, c.rate); got != c.want {
			t.Errorf("ticks(%v, %d) = %d, want %d", c.t, c.rate, got, c.want)
		}
	}
}

// An Opus packet's step is 960 ticks from whatever odd starting point, across
// zero too.
func TestTicksStepEvenly(t *testing.T) {
	at := -time.Second - 7_777_777*time.Nanosecond
	last := ticks(at, audioClock)
	for range 1000 {
		at += 20 * time.Millisecond
		next := ticks(at, audioClock)
		if next-last != 960 {
			t.Fatalf("step to %v is %d ticks", at, next-last)
		}
		last = next
	}
}

func TestClock(t *testing.T) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const frame = 20 * time.Millisecond

	// feed writes frames whose delay is given by the frame's media time and
	// returns the largest error of the clock against the true mapping, and the
	// largest step between two frames, both after the first ten seconds.
	feed := func(frames int, delay func(m time.Duration) time.Duration) (worst, step time.Duration) {
		c := newClock(epoch)
		var last time.Duration
		for i := range frames {
			m := time.Duration(i) * frame
			arrival := epoch.Add(m + delay(m))
			c.observe(m, arrival)
			off := c.at(epoch.Add(m)) - m // 0 where the delay is 0
			if m > 10*time.Second {
				worst = max(worst, off.Abs())
				step = max(step, (off - last).Abs())
			}
			last = off
		}
		return worst, step
	}

	t.Run("steady", func(t *testing.T) {
		if worst, _ := feed(3000, func(time.Duration) time.Duration { return 0 }); worst != 0 {
			t.Errorf("off by %v", worst)
		}
	})
	t.Run("jitter is filtered", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		worst, step := feed(3000, func(time.Duration) time.Duration { return time.Duration(r.IntN(50)) * time.Millisecond })
		if worst > 5*time.Millisecond || step > 100*time.Microsecond {
			t.Errorf("off by %v, steps of %v", worst, step)
		}
	})
	t.Run("drift of 200 ppm is followed", func(t *testing.T) {
		c := newClock(epoch)
		var behind time.Duration
		for i := range 360_000 { // two hours
			m := time.Duration(i) * frame
			arrival := epoch.Add(m + m/5000)
			c.observe(m, arrival)
			behind = max(behind, (c.at(arrival) - m).Abs())
		}
		if behind > 5*time.Millisecond {
			t.Errorf("behind by %v", behind)
		}
	})
	t.Run("a backlog at the start is stepped over", func(t *testing.T) {
		worst, _ := feed(3000, func(m time.Duration) time.Duration { return max(0, 3*time.Second-m) })
		if worst > 0 {
			t.Errorf("off by %v", worst)
		}
	})
	t.Run("a stall does not move it", func(t *testing.T) {
		worst, _ := feed(3000, func(m time.Duration) time.Duration {
			if m > 20*time.Second && m < 23*time.Second {
				return 23*time.Second - m
			}
			return 0
		})
		if worst > time.Millisecond*5 {
			t.Errorf("off by %v", worst)
		}
	})
}
