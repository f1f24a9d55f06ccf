package transcode

import (
	"fmt"
	"testing"
	"time"
)

// TestAlignment: what is decoded from the packets is where it is in the
// source, within 1 ms, for every kind of AAC-LC.
func TestAlignment(t *testing.T) {
	for _, c := range []struct{ rate, channels int }{
		{48000, 2}, {48000, 1}, {48000, 6}, {44100, 2}, {44100, 1}, {22050, 2}, {96000, 2}, {32000, 2}, {11025, 1},
	} {
		t.Run(fmt.Sprintf("%d Hz %d channels", c.rate, c.channels), func(t *testing.T) {
			const start = 7*time.Second + 123*time.Millisecond
			frames := encodeAAC(t, c.rate, c.channels, start, 4*time.Second)
			r := newRig(t, Config{})
			r.feed(frames)
			got := r.until(start + 3900*time.Millisecond)
			if holes := checkOpus(t, got); holes != nil {
				t.Errorf("holes of %v", holes)
			}
			source, sound := decodeAAC(t, frames), decodeOpus(t, got)
			for _, at := range []int{48000 / 2, 3 * 48000} {
				from := at + int((got[0].PTS-start)*48000/time.Second)
				late, likeness := lag(source, sound[at:at+24000], from, 200)
				t.Logf("at %v: %d samples late, %.3f alike", time.Duration(at)*time.Second/48000, late, likeness)
				if late < -48 || late > 48 || likeness < 0.9 {
					t.Errorf("at sample %d: %d samples late, %.3f alike", at, late, likeness)
				}
			}
		})
	}
}
