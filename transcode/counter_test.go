package transcode

import (
	"testing"
	"time"
)

func TestCounter(t *testing.T) {
	const ms, us = time.Millisecond, time.Microsecond
	type step struct {
		at, pts time.Duration
		drop    bool
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"starts anywhere", []step{{at: -3 * ms, pts: -3 * ms}, {at: 17 * ms, pts: 17 * ms}}},
		{"wobble is counted over", []step{{at: 0}, {at: 20*ms + 330*us, pts: 20 * ms}, {at: 40*ms - 400*us, pts: 40 * ms}, {at: 62*ms - us, pts: 60 * ms}}},
		{"a hole moves on", []step{{at: 0}, {at: 41 * ms, pts: 41 * ms}, {at: 61 * ms, pts: 61 * ms}}},
		{"the shortest hole", []step{{at: 0}, {at: 22 * ms, pts: 22 * ms}}},
		{"overlap is dropped", []step{{at: 0}, {at: 17500 * us, drop: true}, {at: 37500 * us, pts: 37500 * us}}},
		{"never back", []step{{at: time.Hour, pts: time.Hour}, {at: 0, drop: true}, {at: time.Hour + 20*ms, pts: time.Hour + 20*ms}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k counter
			for i, s := range c.steps {
				if pts, ok := k.stamp(s.at); pts != s.pts || ok == s.drop {
					t.Errorf("packet %d at %v: %v %v, want %v %v", i, s.at, pts, ok, s.pts, !s.drop)
				}
			}
		})
	}
	t.Run("after frames that were passed on", func(t *testing.T) {
		var k counter
		k.passed(100 * ms)
		if _, ok := k.stamp(90 * ms); ok {
			t.Error("a packet inside a frame that was passed on")
		}
		if pts, ok := k.stamp(101 * ms); !ok || pts != 100*ms {
			t.Errorf("got %v %v", pts, ok)
		}
	})
}
