package contribute

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// pyramid is the order in which pictures are shown that come as x264 sends them:
// an IDR every gop pictures, and between groups of B-frames that grow by.
func pyramid(i, gop int, group []int) int {
	n := i % gop
	if n == 0 || (n-1)/len(group)*len(group)+len(group) >= gop {
		return i
	}
	first := (n - 1) / len(group) * len(group)
	return i - n + first + group[n-1-first]
}

var groups = map[string][]int{
	"none":     {1},
	"B":        {3, 1, 2},
	"pyramid":  {4, 2, 1, 3},
	"sixteen":  {17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	"pyramid8": {8, 4, 2, 1, 3, 6, 5, 7},
}

// depthOf is how many pictures overtake another at most.
func depthOf(group []int) (depth int) {
	for i := range group {
		n := 0
		for _, before := range group[:i] {
			if before > group[i] {
				n++
			}
		}
		depth = max(depth, n)
	}
	return depth
}

// Pictures that overtake each other are decoded one after the other, none after
// it is shown, and shown in their order and at their pace, while the clock brings
// them to the sound. A stream that announces nothing takes a group to learn from.
func TestReordering(t *testing.T) {
	for name, group := range groups {
		for _, announced := range []int{depthOf(group), -1} {
			t.Run(fmt.Sprintf("%s %d", name, announced), func(t *testing.T) {
				const step, gop, n = 3000, 250, 2000
				r := reorderingOf(&media.ParameterSets{ReorderFrames: announced, FrameRate: 30}, 90000)
				c := newClock(90000, 48000)
				shown := make([]time.Duration, n+20)
				last := time.Duration(-1)
				for i := range n {
					now := start.Add(time.Duration(i) * time.Second / 30)
					c.at(&c.audio, uint32(i)*1600, now.Add(-100*ms))
					at := pyramid(i, gop, group)
					pts, dts := c.place(&c.video, uint32(4_294_960_000+at*step), r, now)
					if dts <= last || pts < dts {
						t.Fatalf("picture %d is decoded at %v after %v and shown at %v", i, dts, last, pts)
					}
					shown[at], last = pts, dts
				}
				learnt := 0
				if announced < 0 {
					learnt = len(group) + 1
				}
				for i := learnt + 1; i < n-len(group); i++ {
					if d := shown[i] - shown[i-1]; d < 16*ms || d > 50*ms {
						t.Fatalf("picture %d is shown %v after the one before it", i, d)
					}
				}
				if c.jumps != 0 {
					t.Errorf("%d jumps", c.jumps)
				}
			})
		}
	}
}

// A pause of seconds, after which the stream goes on with an IDR, and a clock that
// is set anew leave no picture far from the others.
func TestReorderingAfterALoss(t *testing.T) {
	group := groups["pyramid"]
	r := reorderingOf(&media.ParameterSets{ReorderFrames: 2, FrameRate: 30}, 90000)
	c := newClock(90000, 48000)
	now, last := start, time.Duration(0)
	for part, rtp := range []uint32{0, 525_000, 4_000_000_000} {
		if part > 0 {
			now = now.Add(2500 * ms)
		}
		for i := range 100 {
			at := pyramid(i, 50, group)
			pts, dts := c.place(&c.video, rtp+uint32(at)*3000, r, now)
			if dts <= last || pts < dts || pts-dts > 200*ms || (dts-clockStart-now.Sub(start)).Abs() > 200*ms {
				t.Fatalf("part %d, picture %d after %v: decoded at %v after %v, shown at %v", part, i, now.Sub(start), dts, last, pts)
			}
			last, now = dts, now.Add(time.Second/30)
		}
	}
}
