package transcode

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// sweep is a sound in which every moment is different, so that it can be found
// again in time: a tone that rises from 200 to 8,000 Hz each second.
const sweep = "0.4*sin(2*PI*(200*mod(t\\,1)+3900*mod(t\\,1)*mod(t\\,1)))"

// run pipes in through ffmpeg and returns what comes out.
func run(t testing.TB, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", append([]string{"-nostdin", "-hide_banner", "-loglevel", "error"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, &errs)
	}
	return out.Bytes()
}

// encodeAAC makes frames of AAC-LC of the sweep, the first at start.
func encodeAAC(t testing.TB, rate, channels int, start, length time.Duration) []*media.AudioFrame {
	t.Helper()
	adts := run(t, nil, "-f", "lavfi", "-i",
		fmt.Sprintf("aevalsrc=%s:s=%d:d=%f", sweep, rate, length.Seconds()),
		"-ac", strconv.Itoa(channels), "-c:a", "aac", "-b:a", strconv.Itoa(64000*channels), "-f", "adts", "-")
	return parseADTS(t, adts, start)
}

// parseADTS makes frames of an ADTS stream (ISO/IEC 13818-7 §6.2). Their PTS
// are whole milliseconds, as those of RTMP.
func parseADTS(t testing.TB, b []byte, start time.Duration) []*media.AudioFrame {
	t.Helper()
	rates := []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	var frames []*media.AudioFrame
	var config *media.AudioConfig
	for len(b) >= 7 {
		size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
		profile, rate, channels := b[2]>>6, b[2]>>2&15, b[2]&1<<2|b[3]>>6
		if b[0] != 0xff || size < 7 || size > len(b) {
			t.Fatalf("bad ADTS header % x", b[:7])
		}
		if config == nil {
			config = &media.AudioConfig{
				SampleRate: rates[rate], Channels: int(channels), FrameSamples: 1024, Profile: "LC",
				ASC: []byte{(profile+1)<<3 | rate>>1, rate<<7 | channels<<3},
			}
		}
		exact := time.Duration(len(frames)) * 1024 * time.Second / time.Duration(config.SampleRate)
		frames = append(frames, &media.AudioFrame{
			Codec: media.AAC, PTS: start + exact.Round(time.Millisecond), Data: b[7:size:size],
			Duration: 1024 * time.Second / time.Duration(config.SampleRate), Config: config,
		})
		b = b[size:]
	}
	return frames
}

// adts is the reverse of parseADTS.
func adts(frames []*media.AudioFrame) []byte {
	var b []byte
	for _, f := range frames {
		asc, n := f.Config.ASC, len(f.Data)+7
		profile, rate, channels := asc[0]>>3-1, asc[0]<<1&15|asc[1]>>7, asc[1]>>3&15
		b = append(b, 0xff, 0xf1, profile<<6|rate<<2|channels>>2, channels<<6|byte(n>>11), byte(n>>3), byte(n<<5)|0x1f, 0xfc)
		b = append(b, f.Data...)
	}
	return b
}

// silence returns n frames of it, 48 kHz, stereo.
func silence(n int, start time.Duration) []*media.AudioFrame {
	config := &media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 1024, Profile: "LC", ASC: []byte{0x11, 0x90}}
	frames := make([]*media.AudioFrame, n)
	for i := range frames {
		at := time.Duration(i) * 1024 * time.Second / 48000
		frames[i] = &media.AudioFrame{
			Codec: media.AAC, PTS: start + at.Round(time.Millisecond), Duration: 1024 * time.Second / 48000,
			Config: config, Data: []byte{0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c},
		}
	}
	return frames
}
