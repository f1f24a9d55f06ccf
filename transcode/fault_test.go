package transcode

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// shift moves frames in time.
func shift(frames []*media.AudioFrame, by time.Duration) []*media.AudioFrame {
	moved := make([]*media.AudioFrame, len(frames))
	for i, f := range frames {
		c := *f
		c.PTS += by
		moved[i] = &c
	}
	return moved
}

// TestGap: where the publisher's timestamps jump ahead, so do the packets',
// once and as far; nothing is invented to fill the gap.
func TestGap(t *testing.T) {
	for _, gap := range []time.Duration{85 * time.Millisecond, 2 * time.Second, time.Hour} {
		t.Run(gap.String(), func(t *testing.T) {
			frames := encodeAAC(t, 44100, 2, time.Second, 4*time.Second)
			half := len(frames) / 2
			second := shift(frames[half:], gap)
			r := newRig(t, Config{})
			r.feed(frames[:half])
			r.feed(second)
			got := r.until(second[len(second)-1].PTS)
			holes := checkOpus(t, got)
			if sum := total(holes); abs(sum-gap) > 20*time.Millisecond || len(holes) > 2 {
				t.Errorf("holes of %v, want one of %v", holes, gap)
			}
			checkAlignment(t, frames, got, frames[10].PTS)
			checkAlignment(t, shift(frames, gap), got, second[10].PTS)
		})
	}
}

func total(holes []time.Duration) (sum time.Duration) {
	for _, h := range holes {
		sum += h
	}
	return sum
}

// TestStepBack: where the publisher's timestamps jump back, the packets go on
// without a hole, and say in Skew where they belong.
func TestStepBack(t *testing.T) {
	for _, back := range []time.Duration{time.Second, 1000 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			frames := encodeAAC(t, 48000, 2, time.Minute, 4*time.Second)
			half := len(frames) / 2
			r := newRig(t, Config{})
			r.feed(frames[:half])
			r.feed(shift(frames[half:], -back))
			got := r.until(frames[len(frames)-1].PTS)
			if holes := checkOpus(t, got); holes != nil {
				t.Errorf("holes of %v", holes)
			}
			if s := got[0].Skew; abs(s) > time.Millisecond {
				t.Errorf("skew %v before", s)
			}
			last := got[len(got)-1]
			if abs(last.Skew+back) > time.Millisecond {
				t.Errorf("skew %v after, want %v", last.Skew, -back)
			}
			checkAlignment(t, shift(frames, -back), got, frames[half+10].PTS)
		})
	}
}

// TestConfigChange: each change of rate and channels goes through in the same
// process, and the sound stays where it belongs.
func TestConfigChange(t *testing.T) {
	r := newRig(t, Config{})
	start := time.Second
	var parts [][]*media.AudioFrame
	for _, c := range []struct{ rate, channels int }{{48000, 2}, {48000, 1}, {44100, 2}, {48000, 6}, {22050, 1}, {48000, 2}} {
		part := encodeAAC(t, c.rate, c.channels, start, 2*time.Second)
		parts = append(parts, part)
		last := part[len(part)-1]
		start = last.PTS + last.Duration
		r.feed(part)
	}
	pid := r.ready().cmd.Process.Pid
	got := r.until(start - 50*time.Millisecond)
	holes := checkOpus(t, got)
	if sum := total(holes); sum > 100*time.Millisecond {
		t.Errorf("holes of %v", holes)
	}
	for _, part := range parts {
		checkAlignment(t, part, got, part[len(part)/3].PTS)
	}
	if n := r.value("restarts_total", ""); n != 0 {
		t.Errorf("%v restarts; now it is process %d", n, pid)
	}
}

// TestGarbage: frames that are no AAC are missing from the sound, everything
// around them is where it was.
func TestGarbage(t *testing.T) {
	frames := encodeAAC(t, 48000, 2, time.Second, 6*time.Second)
	source := slices.Clone(frames)
	spoil := func(i int, data []byte) {
		c := *frames[i]
		c.Data = data
		frames[i] = &c
	}
	spoil(60, bytes.Repeat([]byte{0xff}, 300))
	for i := range 5 {
		spoil(110+i, frames[110+i].Data[:20])
		spoil(165+i, nil)
		spoil(220+i, make([]byte, 100_000))
	}
	r := newRig(t, Config{})
	r.depth = 10 // ffmpeg must get past the 5 that it will not decode
	r.feed(frames)
	got := r.until(frames[len(frames)-1].PTS)
	checkOpus(t, got)
	for _, i := range []int{20, 70, 120, 175, 230} {
		checkAlignment(t, source, got, frames[i].PTS)
	}
	if n := r.value("dropped_frames_total", DropInvalid); n != 10 {
		t.Errorf("%v invalid frames", n)
	}
	if n := r.value("restarts_total", ""); n != 0 {
		t.Errorf("%v restarts", n)
	}
}

// TestUnusableConfig: without a configuration a frame goes nowhere.
func TestUnusableConfig(t *testing.T) {
	r := newRig(t, Config{})
	good := silence(1, 0)[0]
	for _, c := range []*media.AudioConfig{
		nil,
		{},
		{SampleRate: 48000, FrameSamples: 1024},
		{SampleRate: -1, FrameSamples: 1024, ASC: []byte{1}},
		{SampleRate: 1 << 30, FrameSamples: 1024, ASC: []byte{1}},
		{SampleRate: 48000, FrameSamples: 1024, ASC: make([]byte, 1000)},
	} {
		f := *good
		f.Config, f.Duration = c, 0
		r.write(&f)
	}
	if n := r.value("dropped_frames_total", DropInvalid); n != 6 {
		t.Errorf("%v invalid frames", n)
	}
}

// TestOpusPasses: a publisher that sends Opus needs no process; one that
// changes over does not lose its order.
func TestOpusPasses(t *testing.T) {
	r := newRig(t, Config{})
	opus := mediatest.Opus(10)
	for _, f := range opus[:5] {
		r.write(f)
	}
	if r.encoder != nil {
		t.Error("an encoder for Opus")
	}
	r.depth = 100
	r.feed(silence(50, 100*time.Millisecond))
	r.until(time.Second)
	for _, f := range opus[5:] {
		f.PTS += 1200 * time.Millisecond
		r.write(f)
	}
	if r.encoder != nil {
		t.Error("an encoder is left for Opus")
	}
	r.feed(silence(50, 1500*time.Millisecond))
	r.until(2400 * time.Millisecond)
}

// TestNextFails: the next Writer's error ends the publication.
func TestNextFails(t *testing.T) {
	r := newRig(t, Config{})
	r.depth = 100
	r.feed(silence(20, 0))
	want := errors.New("full up")
	r.got.Fail(want)
	var err error
	frames := silence(1000, time.Second)
	within(t, 10*time.Second, "error", func() bool {
		err = r.WriteAudio(frames[0])
		frames = frames[1:]
		return err != nil
	})
	if !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}
