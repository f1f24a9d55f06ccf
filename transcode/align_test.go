package transcode

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
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
			for _, at := range []time.Duration{start + time.Second/2, start + 3*time.Second} {
				checkAlignment(t, frames, got, at)
			}
			r.undisturbed()
		})
	}
}

// TestMP3 is the same for MP3, of which ffmpeg's FLV has these rates.
func TestMP3(t *testing.T) {
	for _, options := range []string{"-ar 44100 -ac 2 -b:a 320k", "-ar 22050 -ac 1 -b:a 64k"} {
		t.Run(options, func(t *testing.T) {
			args := []string{"-f", "lavfi", "-i", fmt.Sprintf("aevalsrc=%s:s=48000:d=4", sweep), "-c:a", "libmp3lame"}
			frames := publish(t, append(args, strings.Fields(options)...)...).Audio()
			if n := len(frames); n < 100 || frames[0].Codec != media.MP3 {
				t.Fatalf("%d frames of %v", n, frames[0].Codec)
			}
			r := newRig(t, Config{})
			r.depth = 3 // those of 320 kbit/s fill the pipe
			r.feed(frames)
			got := r.until(frames[0].PTS + 3800*time.Millisecond)
			if holes := checkOpus(t, got); holes != nil {
				t.Errorf("holes of %v", holes)
			}
			for _, at := range []time.Duration{time.Second / 2, 3 * time.Second} {
				checkAlignment(t, frames, got, frames[0].PTS+at)
			}
			r.undisturbed()
		})
	}
}

// TestArrival: a packet bears the arrival of the frame with its last sample,
// and so of nothing that came before it had all of them.
func TestArrival(t *testing.T) {
	frames := encodeAAC(t, 48000, 2, 0, 3*time.Second)
	r := newRig(t, Config{})
	r.feed(frames)
	for k, p := range r.until(2900 * time.Millisecond) {
		last := ((k+1)*960 - 1) / 1024
		if !p.Arrival.Equal(frames[last].Arrival) {
			for i, f := range frames {
				if p.Arrival.Equal(f.Arrival) {
					t.Errorf("packet %d has the arrival of frame %d, want %d", k, i, last)
				}
			}
		}
	}
	if n := r.value("delay_seconds", ""); n < 140 {
		t.Errorf("%v delays observed", n)
	}
}

// checkAlignment compares half a second of sound with its source, of which
// the first frame is at its PTS. All times are media time.
func checkAlignment(t *testing.T, source, packets []*media.AudioFrame, at time.Duration) {
	t.Helper()
	for len(packets) > 0 && packets[0].PTS < at {
		packets = packets[1:]
	}
	const settle, length = 10, 25 // packets; a decoder that starts anywhere needs some to get the levels right
	if len(packets) < settle+length {
		t.Fatalf("%d packets after %v", len(packets), at)
	}
	sound := decodeOpus(t, packets[:settle+length])[settle*960:]
	from := (packets[settle].PTS + packets[settle].Skew - source[0].PTS) * 48000
	late, likeness := lag(decodeSource(t, source), sound, int(from.Round(time.Second)/time.Second), 200)
	t.Logf("at %v: %d samples late, %.3f alike", packets[0].PTS, late, likeness)
	if late < -48 || late > 48 || likeness < 0.95 {
		t.Errorf("at %v: %d samples late, %.3f alike; want 1 ms at most", packets[0].PTS, late, likeness)
	}
}
