package depacketize

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// What FFmpeg 9.0.2 writes with Enhanced RTMP: 12 pictures of 130x98 at 25 a
// second, a keyframe every 6, and Opus:
//
//	ffmpeg -f lavfi -i testsrc2=s=130x98:r=25 -f lavfi -i sine -t 0.48
//	  -c:v libx265 -x265-params keyint=6:min-keyint=6:bframes=2:open-gop=1
//	  -c:v libsvtav1 -g 6, -c:v libvpx-vp9 -deadline realtime -g 6
//	  -c:a libopus -ac 2
func TestEnhanced(t *testing.T) {
	cases := []struct {
		codec media.Codec
		want  string // per frame: I or P, R for one that is Skipped; unit types or sizes
		sets  media.ParameterSets
	}{
		{media.H265, hevcWant, media.ParameterSets{Profile: 1, Level: 30, BitDepth: 8, Width: 130, Height: 98, ReorderFrames: 2}},
		{media.AV1, av1Want, media.ParameterSets{Width: 130, Height: 98}},
		{media.VP9, vp9Want, media.ParameterSets{BitDepth: 8, Width: 130, Height: 98}},
	}
	for _, c := range cases {
		t.Run(c.codec.String(), func(t *testing.T) {
			name := map[media.Codec]string{media.H265: "hevc", media.AV1: "av1", media.VP9: "vp9"}[c.codec]
			file, err := os.ReadFile("testdata/" + name + ".flv")
			if err != nil {
				t.Fatal(err)
			}
			r, d := demux(t, readFLV(t, file))
			var got []string
			for _, au := range r.Video() {
				got = append(got, spellEnhanced(au))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s\nwant %s", s, c.want)
			}
			p := *r.Video()[0].ParameterSets
			p.VPS, p.SPS, p.PPS, p.SequenceHeader = nil, nil, nil, nil
			if fmt.Sprintf("%+v", p) != fmt.Sprintf("%+v", c.sets) {
				t.Errorf("%+v, want %+v", p, c.sets)
			}
			if d.Jumps() != 0 {
				t.Errorf("%d jumps", d.Jumps())
			}
			checkOpus(t, r.Audio())
		})
	}
}

const (
	hevcWant = "I(32)(33)(34)(20) P(1) P(1) P(0) I(32)(33)(34)(21) R(9) R(8) P(1) P(1) P(0) P(1) P(0)" // an IDR, then a CRA with RASL pictures
	av1Want  = "I(1)(6) P(6) P(6) P(6) P(6) P(6) I(1)(6) P(6) P(6) P(6) P(6) P(6)"
	vp9Want  = "I P P P P P I P P P P P"
)

func checkOpus(t *testing.T, frames []*media.AudioFrame) {
	t.Helper()
	if len(frames) < 24 {
		t.Fatalf("%d audio frames", len(frames))
	}
	for i, f := range frames {
		if f.Codec != media.Opus || f.Duration != 20*time.Millisecond || f.Config.Channels != 2 || f.Config != frames[0].Config {
			t.Fatalf("frame %d: %+v with %+v", i, f, f.Config)
		}
	}
}

func spellEnhanced(au *media.AccessUnit) string {
	s := "P"
	switch {
	case au.IDR:
		s = "I"
	case au.Skipped:
		s = "R"
	}
	for _, u := range au.NALUs {
		if au.Codec == media.H265 {
			s += fmt.Sprintf("(%d)", hevcType(u))
		}
		if au.Codec == media.AV1 {
			s += fmt.Sprintf("(%d)", obuType(u))
		}
	}
	return s
}

// Decoding begins at a key frame, again after damage, and a codec may change.
func TestEnhancedStreams(t *testing.T) {
	read := func(name string) (config, key, delta []byte) {
		file, err := os.ReadFile("testdata/" + name + ".flv")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range readFLV(t, file) {
			switch {
			case m.kind != flvVideo || len(m.body) < 5:
			case m.body[0]&0x0f == exMetadata:
			case m.body[0]&0x0f == exSequenceStart:
				config = m.body
			case m.body[0]>>4&7 == 1 && key == nil:
				key = m.body
			case m.body[0]>>4&7 == 2 && delta == nil:
				delta = m.body
			}
		}
		return config, key, delta
	}
	for _, name := range []string{"hevc", "av1", "vp9"} {
		t.Run(name, func(t *testing.T) {
			config, key, delta := read(name)
			other, otherKey, _ := read(map[string]string{"hevc": "av1", "av1": "vp9", "vp9": "hevc"}[name])
			broken := append([]byte(nil), delta[:5]...)
			broken = append(broken, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
			r := mediatest.NewRecorder(t)
			d := NewDemuxer(r)
			got := ""
			for i, tag := range [][]byte{delta, config, delta, key, delta, broken, delta, key, delta, other, otherKey} {
				n := len(r.Video())
				err := d.Video(uint32(i*40), append([]byte(nil), tag...), time.Unix(0, int64(i)*40e6))
				switch {
				case errors.Is(err, ErrCorrupt):
					got += "!"
				case err != nil:
					t.Fatal(err)
				case len(r.Video()) == n:
					got += "-"
				case r.Video()[n].IDR:
					got += "I"
				default:
					got += "P"
				}
			}
			if want := "---IP!-IP-I"; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// Not every Opus fits WebRTC.
func TestOpusHead(t *testing.T) {
	cases := []struct {
		name, head string
		err        error
	}{
		{"stereo", "OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00", nil},
		{"mono", "OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00", nil},
		{"5.1", "OpusHead\x01\x06\x38\x01\x80\xbb\x00\x00\x00\x00\x01\x04\x02\x00\x04\x01\x02\x03\x05", ErrUnsupportedCodec},
		{"no channel", "OpusHead\x01\x00\x38\x01\x80\xbb\x00\x00\x00\x00\x00", ErrCorrupt},
		{"other version", "OpusHead\x11\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00", ErrCorrupt},
		{"other magic", "OpusTags\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00", ErrCorrupt},
		{"cut short", "OpusHead\x01\x02", ErrCorrupt},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &opusStream{}
			if err := s.configure([]byte(c.head)); !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			f, err := s.frame([]byte("\xfcdata"))
			if (c.err == nil) != (err == nil) || err == nil && f.Duration != 20*time.Millisecond {
				t.Errorf("frame %+v, %v", f, err)
			}
		})
	}
}

// Bytes that are no AV1: what cutOBUs says.
func TestCutOBUs(t *testing.T) {
	cases := []struct {
		name, data, want string
		err              error
	}{
		{"sized", "\x0a\x01a\x32\x02bc", "(1)1 (6)2", nil},
		{"last without a size", "\x0a\x01a\x30bcd", "(1)1 (6)3", nil},
		{"delimiter, padding and tile list go", "\x12\x00\x7a\x01x\x42\x01x\x32\x01b", "(6)1", nil},
		{"extension", "\x36\x20\x01b", "(6)1", nil},
		{"enhancement layer goes", "\x36\x08\x01b\x32\x01b", "(6)1", nil},
		{"long size", "\x32\x81\x00b", "(6)1", nil},
		{"too long", "\x32\x05b", "", ErrCorrupt},
		{"endless size", "\x32\x80\x80\x80\x80\x80\x80\x80\x80\x80", "", ErrCorrupt},
		{"forbidden bit", "\x8a\x01a", "", ErrCorrupt},
		{"extension cut off", "\x36", "", ErrCorrupt},
		{"too many", strings.Repeat("\x0a\x00", maxOBUs+1), "", ErrCorrupt},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list, err := cutOBUs([]byte(c.data))
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			var got []string
			for _, o := range list {
				if o[0]&2 != 0 {
					t.Error("has a size field")
				}
				got = append(got, fmt.Sprintf("(%d)%d", obuType(o), len(obuPayload(o))))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
		})
	}
}
