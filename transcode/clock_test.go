package transcode

import (
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

func aacConfig(rate int) *media.AudioConfig {
	return &media.AudioConfig{SampleRate: rate, Channels: 2, FrameSamples: 1024}
}

// exact is the time of so many samples, rounded down.
func exact(n int64, rate int64) time.Duration {
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate*int64(time.Second)/rate)
}

// TestClockExact: a week of frames stamped in milliseconds, at every rate, ends
// within a nanosecond of where its samples do; skew stays at nothing.
func TestClockExact(t *testing.T) {
	for _, rate := range []int{7350, 11025, 22050, 44100, 48000, 88200, 96000} {
		var c clock
		config := aacConfig(rate)
		const start = 90 * time.Second
		n := int64(7*24*3600) * int64(rate) / 1024
		step := n / 100_000 // the clock is given fewer, longer frames
		config.FrameSamples = int(step) * 1024
		for i := range n / step {
			want := start + exact(i*step*1024, int64(rate))
			p := c.next(&media.AudioFrame{PTS: want.Truncate(time.Millisecond), Config: config})
			if p.start != want || p.skew > time.Millisecond || p.skew < -time.Millisecond {
				t.Fatalf("%d Hz, frame %d: at %v, skew %v, want %v", rate, i, p.start, p.skew, want)
			}
		}
	}
}

// TestClock: what the publisher's timestamps do, and where the frames go.
func TestClock(t *testing.T) {
	const ms = time.Millisecond
	frame := exact(1024, 48000)
	for _, c := range []struct {
		name string
		// pts of frame i, on time but for this
		off func(i int) time.Duration
		// gap is what was added to the count after 400 frames; skew what was not
		gap, skew time.Duration
	}{
		{"on time", func(int) time.Duration { return 0 }, 0, 0},
		{"jitter", func(i int) time.Duration { return time.Duration(i%2*60-30) * ms }, 0, 0},
		{"gap", func(i int) time.Duration { return time.Duration(min(i/200, 1)) * 2 * time.Second }, 2 * time.Second, 0},
		{"85 ms gap", func(i int) time.Duration { return time.Duration(min(i/200, 1)) * 85 * ms }, 85 * ms, 0},
		{"step back", func(i int) time.Duration { return -time.Duration(min(i/200, 1)) * time.Second }, 0, -time.Second},
		{"reset", func(i int) time.Duration { return -time.Duration(min(i/200, 1)) * 1000 * time.Hour }, 0, -1000 * time.Hour},
		{"back and forth", func(i int) time.Duration {
			if i >= 100 && i < 200 {
				return -time.Second
			}
			return 0
		}, 0, 0},
		{"an hour ahead", func(i int) time.Duration { return time.Duration(min(i/200, 1)) * time.Hour }, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k clock
			const start = 10 * time.Second
			var last place
			for i := range 400 {
				p := k.next(&media.AudioFrame{PTS: start + exact(int64(i)*1024, 48000) + c.off(i), Config: aacConfig(48000)})
				if i == 0 {
					last.end = p.start
				}
				if p.start < last.end {
					t.Fatalf("frame %d begins at %v, the one before ended at %v", i, p.start, last.end)
				}
				if d := p.end - p.start - frame; d < -1 || d > 1 {
					t.Fatalf("frame %d lasts %v", i, p.end-p.start)
				}
				last = p
			}
			jitter := c.off(0) // the first frame may be off
			if got, want := last.end, start+exact(400*1024, 48000)+c.gap+jitter; abs(got-want) > 2 {
				t.Errorf("ends at %v, want %v", got, want)
			}
			if got, want := last.skew, c.skew-jitter; abs(got-want) > 9*ms {
				t.Errorf("skew %v, want %v", got, want)
			}
		})
	}
}

// TestClockDrift: a publisher whose clock is wrong by 100 ppm is followed by
// the skew within a millisecond; the samples keep their distance.
func TestClockDrift(t *testing.T) {
	for _, ppm := range []time.Duration{100, -100} {
		var c clock
		for i := range int64(48000 * 3600 / 1024) {
			true48k := exact(i*1024, 48000)
			pts := (true48k + true48k*ppm/1_000_000).Round(time.Millisecond)
			p := c.next(&media.AudioFrame{PTS: pts, Config: aacConfig(48000)})
			if p.start != true48k {
				t.Fatalf("frame %d at %v, want %v", i, p.start, true48k)
			}
			if off := pts - p.start - p.skew; abs(off) > 1500*time.Microsecond {
				t.Fatalf("frame %d: %v away from its timestamp", i, off)
			}
		}
		if got := c.skew; abs(got-360*ppm/100*time.Millisecond) > 2*time.Millisecond {
			t.Errorf("skew after an hour at %d ppm is %v", ppm, got)
		}
	}
}

// TestClockConfig: another rate goes on where the first ended.
func TestClockConfig(t *testing.T) {
	var c clock
	at := time.Duration(0)
	for i := range 1000 {
		config := aacConfig([]int{48000, 44100, 24000}[i/10%3])
		p := c.next(&media.AudioFrame{PTS: at.Round(time.Millisecond), Config: config})
		if abs(p.start-at) > 1000 {
			t.Fatalf("frame %d at %v, want %v", i, p.start, at)
		}
		at += exact(1024, int64(config.SampleRate))
	}
}

func abs(d time.Duration) time.Duration { return max(d, -d) }

// FuzzClock: whatever the timestamps, places follow each other.
func FuzzClock(f *testing.F) {
	f.Add(int64(0), int64(20e6), int64(-1), int64(1<<40), uint16(48000), uint16(44100))
	f.Fuzz(func(t *testing.T, a, b, c, d int64, rate1, rate2 uint16) {
		var k clock
		end := time.Duration(0)
		for i, pts := range []int64{a, b, c, d, a, d, c, b} {
			frame := &media.AudioFrame{PTS: time.Duration(pts >> 2), Config: &media.AudioConfig{ // no overflow in 73 years
				SampleRate: int([]uint16{rate1, rate2}[i%2])%maxSampleRate + 1, FrameSamples: 1024, ASC: []byte{1},
			}}
			p := k.next(frame)
			if i > 0 && p.start < end {
				t.Fatalf("frame %d begins at %v, the one before ended at %v", i, p.start, end)
			}
			end = p.end
		}
	})
}

// TestOpusIsCounted: a publisher's Opus gets times that count samples, whatever
// its milliseconds do, and a hole stays a hole.
func TestOpusIsCounted(t *testing.T) {
	r := newRig(t, Config{})
	for i, f := range mediatest.Opus(100) {
		jitter := time.Duration(i%3*10-10) * time.Millisecond
		if i >= 50 {
			jitter += 400 * time.Millisecond // twenty packets did not come
		}
		f.PTS += jitter
		r.write(f)
	}
	got := r.got.Audio()
	if len(got) != 100 {
		t.Fatalf("%d packets of 100", len(got))
	}
	for i, f := range got[1:] {
		switch step := f.PTS - got[i].PTS; {
		case i+1 == 50:
			if hole := step - 420*time.Millisecond; hole.Abs() > 20*time.Millisecond {
				t.Errorf("the hole is %v long, want 400 ms and a packet", step)
			}
		case step != 20*time.Millisecond:
			t.Errorf("packet %d is %v after the one before", i+1, step)
		}
		if f.Skew.Abs() > 20*time.Millisecond {
			t.Errorf("packet %d is %v off its publisher's clock", i+1, f.Skew)
		}
	}
}
