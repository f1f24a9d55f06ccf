package depacketize

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/sluice-media/sluice/media"
)

type ascCase struct {
	name string
	asc  []byte
	want media.AudioConfig // but ASC
	err  error
}

func ascCases(t testing.TB) []ascCase {
	h := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	lc := func(rate, channels int) media.AudioConfig {
		return media.AudioConfig{SampleRate: rate, Channels: channels, FrameSamples: 1024, Profile: "LC"}
	}
	// An AOT, a rate index, a layout and the three flags of GASpecificConfig.
	plain := func(object, rate, layout uint32) []byte {
		return (&bitWriter{}).u(5, object).u(4, rate).u(4, layout).u(3, 0).data
	}
	explicit := func(object, rate, layout, outputRate, core uint32) []byte {
		return (&bitWriter{}).u(5, object).u(4, rate).u(4, layout).u(4, outputRate).u(5, core).u(3, 0).data
	}
	// Front: a pair and a single; side: a pair; back: none; one LFE.
	pce := (&bitWriter{}).u(5, 2).u(4, 3).u(4, 0).u(3, 0).
		u(4, 0).u(2, 1).u(4, 3).u(4, 2).u(4, 1).u(4, 0).u(2, 1).u(3, 1).u(4, 1).
		u(1, 1).u(4, 0).u(1, 1).u(4, 0).u(1, 1).u(3, 0).
		u(5, 0x10).u(5, 0).u(5, 0x11).u(4, 0).u(4, 0).u(5, 0)
	pce.free = 0
	pce.u(8, 3).u(24, 0x616263)

	return []ascCase{
		{"voaacenc", h("1190"), lc(48000, 2), nil},
		{"OBS and ffmpeg: no SBR", h("119056e500"), lc(48000, 2), nil},
		{"mono", h("118856e500"), lc(48000, 1), nil},
		{"44.1 kHz", h("121056e500"), lc(44100, 2), nil},
		{"22.05 kHz", h("139056e500"), lc(22050, 2), nil},
		{"96 kHz", plain(2, 0, 2), lc(96000, 2), nil},
		{"7.35 kHz", plain(2, 12, 1), lc(7350, 1), nil},
		{"5.1", h("11b056e500"), lc(48000, 6), nil},
		{"7.1", plain(2, 3, 7), lc(48000, 8), nil},
		{"6.1", plain(2, 3, 11), lc(48000, 7), nil},
		{"7.1 back", plain(2, 3, 12), lc(48000, 8), nil},
		{"Main", plain(1, 4, 2), media.AudioConfig{SampleRate: 44100, Channels: 2, FrameSamples: 1024, Profile: "Main"}, nil},
		{"LTP", plain(4, 4, 2), media.AudioConfig{SampleRate: 44100, Channels: 2, FrameSamples: 1024, Profile: "LTP"}, nil},
		{"960 samples", (&bitWriter{}).u(5, 2).u(4, 3).u(4, 2).u(3, 4).data, media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 960, Profile: "LC"}, nil},
		{"core coder", (&bitWriter{}).u(5, 2).u(4, 3).u(4, 2).u(2, 1).u(14, 99).u(1, 0).data, lc(48000, 2), nil},
		{"explicit rate", (&bitWriter{}).u(5, 2).u(4, 15).u(24, 48000).u(4, 2).u(3, 0).data, lc(48000, 2), nil},
		{"escaped object type", (&bitWriter{}).u(5, 31).u(6, 7).u(4, 3).u(4, 2).u(3, 0).data, media.AudioConfig{}, ErrUnsupportedCodec},
		{"layout in a PCE", pce.data, lc(48000, 6), nil},
		{"HE, hierarchical", explicit(5, 6, 2, 3, 2), media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 2048, Profile: "HE"}, nil},
		{"HE, 960 samples", (&bitWriter{}).u(5, 5).u(4, 6).u(4, 2).u(4, 3).u(5, 2).u(3, 4).data, media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 1920, Profile: "HE"}, nil},
		{"HE, explicit rate", (&bitWriter{}).u(5, 5).u(4, 15).u(24, 22050).u(4, 2).u(4, 15).u(24, 44100).u(5, 2).u(3, 0).data, media.AudioConfig{SampleRate: 44100, Channels: 2, FrameSamples: 2048, Profile: "HE"}, nil},
		{"HE, downsampled", explicit(5, 3, 2, 3, 2), media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 1024, Profile: "HE"}, nil},
		{"HE, backward compatible", h("131056e598"), media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 2048, Profile: "HE"}, nil},
		{"HEv2, hierarchical", explicit(29, 6, 1, 3, 2), media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 2048, Profile: "HEv2"}, nil},
		{"HEv2, backward compatible", h("130856e59d4880"), media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 2048, Profile: "HEv2"}, nil},
		{"HE, parametric stereo absent", h("130856e59d4800"), media.AudioConfig{SampleRate: 48000, Channels: 1, FrameSamples: 2048, Profile: "HE"}, nil},
		{"junk behind", h("1190ffffff"), lc(48000, 2), nil},
		{"zeros behind", h("1190000000"), lc(48000, 2), nil},
		{"sync extension with a reserved rate", h("119056e5e8"), lc(48000, 2), nil},
		{"ELD", h("f8e6400000"), media.AudioConfig{}, ErrUnsupportedCodec},
		{"USAC", h("f95000000000"), media.AudioConfig{}, ErrUnsupportedCodec},
		{"SSR", plain(3, 3, 2), media.AudioConfig{}, ErrUnsupportedCodec},
		{"22.2", plain(2, 3, 13), media.AudioConfig{}, ErrUnsupportedCodec},
		{"HE of ELD", explicit(5, 6, 2, 3, 23), media.AudioConfig{}, ErrUnsupportedCodec},
		{"empty", nil, media.AudioConfig{}, ErrCorrupt},
		{"one byte", h("11"), media.AudioConfig{}, ErrCorrupt},
		{"PCE cut short", pce.data[:5], media.AudioConfig{}, ErrCorrupt},
		{"PCE comment cut short", pce.data[:len(pce.data)-1], media.AudioConfig{}, ErrCorrupt},
		{"PCE without channels", make8(h("1180"), 8), media.AudioConfig{}, ErrCorrupt},
		{"reserved rate", plain(2, 13, 2), media.AudioConfig{}, ErrCorrupt},
		{"rate of 1 Hz", (&bitWriter{}).u(5, 2).u(4, 15).u(24, 1).u(4, 2).u(3, 0).data, media.AudioConfig{}, ErrCorrupt},
		{"rate of 192 kHz", (&bitWriter{}).u(5, 2).u(4, 15).u(24, 192000).u(4, 2).u(3, 0).data, media.AudioConfig{}, ErrCorrupt},
		{"reserved layout", plain(2, 3, 9), media.AudioConfig{}, ErrCorrupt},
		{"SBR from 48 to 44.1 kHz", explicit(5, 3, 2, 4, 2), media.AudioConfig{}, ErrCorrupt},
		{"too long", make([]byte, maxASC+1), media.AudioConfig{}, ErrCorrupt},
	}
}

// make8 fills b up to n bytes with zeros.
func make8(b []byte, n int) []byte { return append(b, make([]byte, n)...)[:n] }

func TestASC(t *testing.T) {
	for _, c := range ascCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseASC(c.asc)
			if c.err != nil || err != nil {
				if !errors.Is(err, c.err) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				return
			}
			if !bytes.Equal(got.ASC, c.asc) {
				t.Errorf("ASC %x, want %x", got.ASC, c.asc)
			}
			compareASC(t, c.asc, got)
			bare := *got
			bare.ASC = nil
			if bare.SampleRate != c.want.SampleRate || bare.Channels != c.want.Channels ||
				bare.FrameSamples != c.want.FrameSamples || bare.Profile != c.want.Profile {
				t.Errorf("%+v, want %+v", bare, c.want)
			}
		})
	}
}

// compareASC checks an AudioSpecificConfig against an independent parser, if
// that takes it. It does not read backward compatible extensions.
func compareASC(t *testing.T, asc []byte, got *media.AudioConfig) {
	t.Helper()
	var other mpeg4audio.AudioSpecificConfig
	if other.Unmarshal(asc) != nil {
		return
	}
	rate, channels := other.SampleRate, other.ChannelCount
	if other.ExtensionType != 0 {
		rate = other.ExtensionSampleRate
	}
	if other.ExtensionType == mpeg4audio.ObjectTypePS && channels == 1 {
		channels = 2
	}
	samples := 1024
	if other.FrameLengthFlag {
		samples = 960
	}
	if other.ExtensionType == 0 && got.Profile != "LC" {
		return
	}
	if got.SampleRate != rate || got.Channels != channels || got.FrameSamples != samples*rate/other.SampleRate {
		t.Errorf("%x: %+v, mediacommon says %+v", asc, got, other)
	}
}

func FuzzASC(f *testing.F) {
	for _, c := range ascCases(f) {
		f.Add(c.asc)
	}
	f.Fuzz(func(t *testing.T, asc []byte) {
		var s aacStream
		if err := s.configure(asc); err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupportedCodec) {
				t.Errorf("error %v is neither ErrCorrupt nor ErrUnsupportedCodec", err)
			}
			return
		}
		compareASC(t, asc, s.config)
		frame, err := s.frame([]byte{1})
		if err != nil || frame.Duration < 5*time.Millisecond || frame.Duration > 150*time.Millisecond || s.config.Channels < 1 || s.config.Channels > 8 {
			t.Errorf("frame %+v, %v with %+v", frame, err, s.config)
		}
	})
}
