package contribute

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/sluice-media/sluice/depacketize"
	"github.com/sluice-media/sluice/media"
)

// sized is NAL units, in hex, as a picture holds them.
func sized(nalus ...string) (out []byte) {
	for _, n := range nalus {
		b, _ := hex.DecodeString(n)
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...)
	}
	return out
}

// payloadCase is the RTP payloads of one picture, in hex. It serves the test
// and the fuzz target.
type payloadCase struct {
	name     string
	codec    media.Codec
	payloads string // separated by spaces; the last has the marker
	picture  []byte // nil: none comes of it
	corrupt  bool
}

func payloadCases() []payloadCase {
	return []payloadCase{
		{"single NAL units", media.H264, "6701 6802 6503", sized("6701", "6802", "6503"), false},
		{"STAP-A", media.H264, "78 0002 6701 0002 6802", nil, true},
		{"STAP-A in one", media.H264, "780002670100026802 6503", sized("6701", "6802", "6503"), false},
		{"STAP-A cut off", media.H264, "7800056701", nil, true},
		{"STAP-A with a byte more", media.H264, "780002670100", nil, true},
		{"FU-A", media.H264, "7c85aabb 7c05cc 7c45dd", sized("65aabbccdd"), false},
		{"FU-A behind a NAL unit", media.H264, "6701 5c81aa 5c41bb", sized("6701", "41aabb"), false},
		{"FU-A without a beginning", media.H264, "7c05aa 7c45bb", nil, true},
		{"FU-A without an end", media.H264, "7c85aa 7c05bb", nil, false},
		{"FU-A broken off", media.H264, "7c85aa 6701", nil, true},
		{"FU-A twice begun", media.H264, "7c85aa 7c85bb", nil, true},
		{"FU-A of nothing", media.H264, "7c85", nil, true},
		{"FU-B", media.H264, "7d850000aa", nil, true},
		{"H.265 single NAL units", media.H265, "4001aa 2601bb", sized("4001aa", "2601bb"), false},
		{"H.265 aggregation", media.H265, "600100034001aa00034201bb", sized("4001aa", "4201bb"), false},
		{"H.265 fragments", media.H265, "620193aa 620113bb 620153cc", sized("2601aabbcc"), false},
		{"H.265 fragment without a beginning", media.H265, "620113bb 620153cc", nil, true},
		{"H.265 PACI", media.H265, "6401aaaa", nil, true},
		{"H.265 short", media.H265, "40", nil, true},
		{"AV1 temporal unit", media.AV1, "180a01aa 1030bb", []byte{0x0a, 1, 0xaa, 0x32, 1, 0xbb}, false},
		{"AV1 in two packets", media.AV1, "5030aa 90bbcc", []byte{0x32, 3, 0xaa, 0xbb, 0xcc}, false},
		{"AV1 without an end", media.AV1, "5030aa d0bbcc", nil, false},
		{"VP9", media.VP9, "0caa 04bb", []byte{0xaa, 0xbb}, false},
	}
}

func (c payloadCase) packets() (list []*rtp.Packet) {
	fields := strings.Fields(c.payloads)
	for i, f := range fields {
		b, _ := hex.DecodeString(f)
		list = append(list, &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(i), Marker: i == len(fields)-1}, Payload: b})
	}
	return list
}

func TestPayloads(t *testing.T) {
	for _, c := range payloadCases() {
		t.Run(c.name, func(t *testing.T) {
			a := assembler{codec: c.codec}
			var got []byte
			corrupt := false
			for _, p := range c.packets() {
				if err := a.add(p, func(data []byte, _ uint32) { got = data }); err != nil {
					corrupt = true
					if !errors.Is(err, errPicture) {
						t.Errorf("error %v", err)
					}
				}
			}
			if !bytes.Equal(got, c.picture) || corrupt != c.corrupt {
				t.Errorf("picture %x, corrupt %t, want %x, %t", got, corrupt, c.picture, c.corrupt)
			}
		})
	}
}

// What pion takes apart is put together again, in every codec.
func TestPayloadsOfPion(t *testing.T) {
	nalu := append([]byte{0x26, 1}, bytes.Repeat([]byte{0xab}, 5000)...)
	obu := append([]byte{0x32, 0x88, 0x27}, bytes.Repeat([]byte{0xcd}, 5000)...)
	frame := append([]byte{0x82, 0x49, 0x83, 0x42, 0, 0x13, 0xf0, 0x0b, 0x30}, bytes.Repeat([]byte{1}, 5000)...)
	for codec, c := range map[media.Codec]struct {
		payloader      rtp.Payloader
		input, picture []byte
	}{
		media.H264: {&codecs.H264Payloader{}, append([]byte{0, 0, 0, 1}, nalu...), append([]byte{0, 0, 0x13, 0x8a}, nalu...)},
		media.H265: {&codecs.H265Payloader{}, append([]byte{0, 0, 0, 1}, nalu...), append([]byte{0, 0, 0x13, 0x8a}, nalu...)},
		media.AV1:  {&codecs.AV1Payloader{}, obu, obu},
		media.VP9:  {&codecs.VP9Payloader{}, frame, frame},
	} {
		var got []byte
		a := assembler{codec: codec}
		for _, p := range rtp.NewPacketizer(1200, 96, 7, c.payloader, rtp.NewRandomSequencer(), 90000).Packetize(c.input, 3000) {
			if err := a.add(p, func(data []byte, _ uint32) { got = data }); err != nil {
				t.Errorf("%v: %v", codec, err)
			}
		}
		if !bytes.Equal(got, c.picture) {
			t.Errorf("%v: %d bytes came of %d: %.20x", codec, len(got), len(c.picture), got)
		}
	}
}

// Senders that forget the marker bit, and padding in between.
func TestAssemblerWithoutMarker(t *testing.T) {
	a := assembler{codec: media.H264}
	var got []string
	add := func(time uint32, payload string) {
		b, _ := hex.DecodeString(payload)
		if err := a.add(&rtp.Packet{Header: rtp.Header{Timestamp: time}, Payload: b}, func(data []byte, _ uint32) {
			got = append(got, hex.EncodeToString(data))
		}); err != nil {
			t.Error(err)
		}
	}
	add(1, "6501")
	add(2, "")
	add(2, "4102")
	a.lose()
	add(2, "4103")
	add(3, "4104")
	add(4, "4105")
	want := []string{"000000026501", "000000024104"}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("pictures %v, want %v", got, want)
	}
}

func FuzzPayloads(f *testing.F) {
	for _, c := range payloadCases() {
		var data []byte
		for _, p := range c.packets() {
			data = append(binary.BigEndian.AppendUint16(data, uint16(len(p.Payload))), p.Payload...)
		}
		f.Add(byte(c.codec), data)
	}
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		a := assembler{codec: media.Codec(codec % 5)}
		pictures := depacketize.NewPictures(a.codec)
		for len(data) >= 2 {
			size := int(binary.BigEndian.Uint16(data))
			p := &rtp.Packet{Header: rtp.Header{Marker: size&0x8000 != 0, Timestamp: uint32(size >> 14)}}
			data = data[2:]
			size = min(size&0x3fff, len(data))
			p.Payload, data = data[:size:size], data[size:]
			err := a.add(p, func(picture []byte, _ uint32) {
				if len(picture) > maxPicture {
					t.Errorf("a picture of %d bytes", len(picture))
				}
				if _, err := pictures.AccessUnit(picture); err != nil && !errors.Is(err, depacketize.ErrCorrupt) {
					t.Error(err)
				}
			})
			if err != nil && !errors.Is(err, errPicture) {
				t.Error(err)
			}
		}
	})
}
