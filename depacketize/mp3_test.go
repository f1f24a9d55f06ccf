package depacketize

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestMP3 reads frames by what their headers say.
func TestMP3(t *testing.T) {
	frame := func(header string, size int) string { return header + strings.Repeat("x", size-len(header)) }
	cd := frame("\xff\xfb\x90\x00", 417) // 128 kbit/s, 44.1 kHz, stereo
	for _, c := range []struct {
		name, data     string
		rate, channels int
		duration       time.Duration
		err            bool
	}{
		{"128 kbit/s, 44.1 kHz", cd, 44100, 2, 1152 * time.Second / 44100, false},
		{"padded", frame("\xff\xfb\x92\x00", 418), 44100, 2, 1152 * time.Second / 44100, false},
		{"the largest", frame("\xff\xfb\xe8\x00", 1440), 32000, 2, 36 * time.Millisecond, false},
		{"48 kHz, mono", frame("\xff\xfb\x94\xc0", 384), 48000, 1, 24 * time.Millisecond, false},
		{"MPEG 2, 22.05 kHz", frame("\xff\xf3\x80\x00", 208), 22050, 2, 576 * time.Second / 22050, false},
		{"MPEG 2.5, 8 kHz", frame("\xff\xe3\x18\xc0", 72), 8000, 1, 72 * time.Millisecond, false},
		{"two frames", cd + cd, 44100, 2, 2304 * time.Second / 44100, false},
		{"none", "", 0, 0, 0, false},
		{"cut off", cd[:300], 0, 0, 0, true},
		{"garbage behind it", cd + "garbage", 0, 0, 0, true},
		{"two rates", cd + frame("\xff\xfb\x94\x00", 384), 0, 0, 0, true},
		{"layer II", "\xff\xfd\x90\x00", 0, 0, 0, true},
		{"a rate that is none", "\xff\xfb\x9c\x00", 0, 0, 0, true},
		{"a bitrate that is none", "\xff\xfb\xf0\x00", 0, 0, 0, true},
		{"free format", "\xff\xfb\x00\x00", 0, 0, 0, true},
	} {
		f, err := (&mp3Stream{}).frame([]byte(c.data))
		if errors.Is(err, ErrCorrupt) != c.err || !c.err && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if f == nil {
			if c.rate != 0 {
				t.Errorf("%s: no frame", c.name)
			}
			continue
		}
		if f.Config.SampleRate != c.rate || f.Config.Channels != c.channels || f.Duration != c.duration || len(f.Data) != len(c.data) {
			t.Errorf("%s: %+v of %v", c.name, f.Config, f.Duration)
		}
	}
	var s mp3Stream
	first, _ := s.frame([]byte(cd))
	again, _ := s.frame([]byte(cd))
	if first.Config != again.Config {
		t.Error("the same stream has two configurations")
	}
}
