package depacketize

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

type tagCase struct {
	name string
	body string // bytes
	want packet
	err  error
	text string // part of the error
}

func (c *tagCase) check(t *testing.T, got packet, err error) {
	if !errors.Is(err, c.err) || err != nil && c.err == nil {
		t.Fatalf("error %v, want %v", err, c.err)
	}
	if err != nil && !strings.Contains(err.Error(), c.text) {
		t.Errorf("error %q does not say %q", err, c.text)
	}
	if got.kind != c.want.kind || got.offset != c.want.offset || got.fraction != c.want.fraction || !bytes.Equal(got.data, c.want.data) {
		t.Errorf("%+v, want %+v", got, c.want)
	}
}

func frame(data string, offset time.Duration) packet {
	return packet{kind: framePacket, offset: offset, data: []byte(data)}
}

func config(data string) packet { return packet{kind: configPacket, data: []byte(data)} }

func videoTagCases() []tagCase {
	ignored := packet{}
	return []tagCase{
		{"empty message", "", ignored, nil, ""},
		{"sequence header", "\x17\x00\x00\x00\x00conf", config("conf"), nil, ""},
		{"key frame", "\x17\x01\x00\x00\x00data", frame("data", 0), nil, ""},
		{"composition time", "\x27\x01\x00\x00\xa6data", frame("data", 166*time.Millisecond), nil, ""},
		{"negative composition time", "\x27\x01\xff\xff\xd8data", frame("data", -40*time.Millisecond), nil, ""},
		{"largest composition time", "\x27\x01\x00\x27\x10data", frame("data", 10*time.Second), nil, ""},
		{"wild composition time", "\x27\x01\x00\x27\x11data", ignored, ErrCorrupt, "10.001s"},
		{"wild negative composition time", "\x27\x01\x80\x00\x00data", ignored, ErrCorrupt, "-2h19m48.608s"},
		{"end of sequence", "\x17\x02\x00\x00\x00", ignored, nil, ""},
		{"short end of sequence", "\x17\x02", ignored, nil, ""},
		{"unknown packet type", "\x17\x03\x00\x00\x00", ignored, ErrCorrupt, "packet type 3"},
		{"cut short", "\x17\x01\x00\x00", ignored, ErrCorrupt, "4 bytes"},
		{"cut shorter", "\x17", ignored, ErrCorrupt, "1 byte"},
		{"command frame", "\x57\x00", ignored, nil, ""},
		{"command frame of another codec", "\x52\x01", ignored, nil, ""},
		{"Sorenson", "\x12\x00", ignored, ErrUnsupportedCodec, "Sorenson H.263"},
		{"VP6", "\x14\x00", ignored, ErrUnsupportedCodec, "VP6"},
		{"HEVC, the old way", "\x1c\x00\x00\x00\x00", ignored, ErrUnsupportedCodec, "H.265"},
		{"codec id 0", "\x10\x00", ignored, ErrUnsupportedCodec, "codec id 0"},

		{"enhanced: HEVC", "\x90hvc1conf", config("conf"), nil, ""},
		{"enhanced: HEVC frame", "\x91hvc1\x00\x00\x42data", frame("data", 66*time.Millisecond), nil, ""},
		{"enhanced: VVC", "\x90vvc1conf", ignored, ErrUnsupportedCodec, "H.266 (vvc1)"},
		{"enhanced: nanoseconds", "\x97\x02\x01\x02\x03\x03avc1data", packet{kind: framePacket, fraction: 66051, data: []byte("data")}, nil, ""},
		{"enhanced: too many nanoseconds", "\x97\x02\x0f\x42\x40\x03avc1data", ignored, ErrCorrupt, "1000000 ns"},
		{"enhanced: AV1 has no composition time", "\x91av01data", frame("data", 0), nil, ""},
		{"enhanced: AV1 in MPEG-2 TS form", "\x95av01data", ignored, nil, ""},
		{"enhanced: VP9", "\xa3vp09data", frame("data", 0), nil, ""},
		{"enhanced: unknown", "\x90\x00\x01xyconf", ignored, ErrUnsupportedCodec, `FourCC "\x00\x01xy"`},
		{"enhanced: metadata of HEVC", "\xd4hvc1\x02\x00\x09colorInfo", packet{kind: colorPacket, data: []byte("\x02\x00\x09colorInfo")}, nil, ""},
		{"enhanced: command", "\xd0\x00", ignored, nil, ""},
		{"enhanced: cut short", "\x90hvc", ignored, ErrCorrupt, "FourCC of 3 bytes"},
		{"enhanced: AVC sequence start", "\x90avc1conf", config("conf"), nil, ""},
		{"enhanced: AVC frame", "\x91avc1\x00\x00\x42data", frame("data", 66*time.Millisecond), nil, ""},
		{"enhanced: AVC frame without composition time", "\xa3avc1data", frame("data", 0), nil, ""},
		{"enhanced: AVC frame cut short", "\x91avc1\x00\x00", ignored, ErrCorrupt, "2 bytes"},
		{"enhanced: AVC end", "\x92avc1", ignored, nil, ""},
		{"enhanced: ModEx", "\x97\x02\x01\x02\x03\x11avc1\x00\x00\x00data", frame("data", 0), nil, ""},
		{"enhanced: two ModEx", "\x97\x00\xaa\x07\x00\xbb\x03avc1data", frame("data", 0), nil, ""},
		{"enhanced: long ModEx", "\x97\xff\x00\x01\xaa\xbb\x03avc1data", frame("data", 0), nil, ""},
		{"enhanced: ModEx cut short", "\x97\x02\x01\x02\x03", ignored, ErrCorrupt, "ModEx"},
		{"enhanced: ModEx cut shorter", "\x97\x02", ignored, ErrCorrupt, "ModEx"},
		{"enhanced: one track", "\x96\x00avc1\x00conf", config("conf"), nil, ""},
		{"enhanced: one other track", "\x96\x00avc1\x01conf", ignored, nil, ""},
		{"enhanced: other track of HEVC", "\x96\x01hvc1\x01data", ignored, nil, ""},
		{"enhanced: one track of HEVC", "\x96\x00hvc1\x00conf", config("conf"), nil, ""},
		{"enhanced: many tracks", "\x96\x13avc1\x01\x00\x00\x02no\x00\x00\x00\x04data", frame("data", 0), nil, ""},
		{"enhanced: many codecs", "\x96\x21hvc1\x01\x00\x00\x02noavc1\x00\x00\x00\x07\x00\x00\x21dataavc1\x02\x00\x00\x00", frame("data", 33*time.Millisecond), nil, ""},
		{"enhanced: multitrack type 3", "\x96\x31avc1\x00", ignored, ErrCorrupt, "multitrack type 3"},
		{"enhanced: multitrack cut short", "\x96", ignored, ErrCorrupt, "multitrack"},
		{"enhanced: multitrack without FourCC", "\x96\x00av", ignored, ErrCorrupt, "FourCC"},
		{"enhanced: many codecs without FourCC", "\x96\x20av", ignored, ErrCorrupt, "FourCC"},
		{"enhanced: track header cut short", "\x96\x10avc1\x00\x00", ignored, ErrCorrupt, "track header"},
		{"enhanced: track too long", "\x96\x10avc1\x00\x00\x00\x05data", ignored, ErrCorrupt, "track of 5 bytes"},
	}
}

func audioTagCases() []tagCase {
	ignored := packet{}
	return []tagCase{
		{"empty message", "", ignored, nil, ""},
		{"sequence header", "\xaf\x00\x11\x90", config("\x11\x90"), nil, ""},
		{"frame", "\xaf\x01data", frame("data", 0), nil, ""},
		{"empty frame", "\xaf\x01", frame("", 0), nil, ""},
		{"unknown packet type", "\xaf\x02", ignored, ErrCorrupt, "packet type 2"},
		{"cut short", "\xaf", ignored, ErrCorrupt, "1 byte"},
		{"MP3", "\x2fdata", frame("data", 0), nil, ""},
		{"MP3 at 8 kHz", "\xe2data", frame("data", 0), nil, ""},
		{"Speex", "\xb2data", ignored, ErrUnsupportedCodec, "Speex"},
		{"Nellymoser", "\x62data", ignored, ErrUnsupportedCodec, "Nellymoser"},
		{"A-law", "\x72data", ignored, ErrUnsupportedCodec, "G.711 A-law"},
		{"µ-law", "\x82data", ignored, ErrUnsupportedCodec, "G.711 µ-law"},
		{"PCM", "\x3edata", ignored, ErrUnsupportedCodec, "PCM"},
		{"ADPCM", "\x1edata", ignored, ErrUnsupportedCodec, "ADPCM"},
		{"format 12", "\xc0data", ignored, ErrUnsupportedCodec, "sound format 12"},

		{"enhanced: Opus", "\x90OpusOpusHead", config("OpusHead"), nil, ""},
		{"enhanced: Opus channels", "\x94Opus\x01\x02", ignored, nil, ""},
		{"enhanced: MP3", "\x91.mp3data", frame("data", 0), nil, ""},
		{"enhanced: AC-3", "\x91ac-3data", ignored, ErrUnsupportedCodec, "AC-3 (ac-3)"},
		{"enhanced: E-AC-3", "\x91ec-3data", ignored, ErrUnsupportedCodec, "E-AC-3 (ec-3)"},
		{"enhanced: FLAC", "\x90fLaCdata", ignored, ErrUnsupportedCodec, "FLAC (fLaC)"},
		{"enhanced: AAC sequence start", "\x90mp4a\x11\x90", config("\x11\x90"), nil, ""},
		{"enhanced: AAC frame", "\x91mp4adata", frame("data", 0), nil, ""},
		{"enhanced: AAC end", "\x92mp4a", ignored, nil, ""},
		{"enhanced: AAC channels", "\x94mp4a\x01\x02", ignored, nil, ""},
		{"enhanced: ModEx", "\x97\x02\x01\x02\x03\x01mp4adata", packet{kind: framePacket, fraction: 66051, data: []byte("data")}, nil, ""},
		{"enhanced: one track", "\x95\x01mp4a\x00data", frame("data", 0), nil, ""},
		{"enhanced: other track of Opus", "\x95\x01Opus\x01data", ignored, nil, ""},
		{"enhanced: cut short", "\x90mp4", ignored, ErrCorrupt, "FourCC"},
	}
}

func TestVideoTag(t *testing.T) {
	for _, c := range videoTagCases() {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseVideoTag([]byte(c.body))
			c.check(t, got, err)
		})
	}
}

func TestAudioTag(t *testing.T) {
	for _, c := range audioTagCases() {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseAudioTag([]byte(c.body))
			c.check(t, got, err)
		})
	}
}
