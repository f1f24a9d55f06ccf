package egress

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/sluice-media/sluice/media"
)

// lossy is a wire that loses every seventh packet and keeps what arrives, with
// what is repeated in the place of what was lost.
type lossy struct {
	arrived map[uint16]rtp.Packet
	lost    []uint16
	begun   bool
	first   uint16 // sequence number
}

func (l *lossy) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	p := rtp.Packet{Header: *h, Payload: bytes.Clone(payload)}
	if !l.begun {
		l.begun, l.first = true, h.SequenceNumber
	}
	switch seq := h.SequenceNumber; {
	case h.SSRC == 2: // RTX (RFC 4588 §4)
		p.SequenceNumber = uint16(payload[0])<<8 | uint16(payload[1])
		p.Payload = p.Payload[2:]
		l.arrived[p.SequenceNumber] = p
	case seq%7 == 3:
		l.lost = append(l.lost, seq)
	default:
		l.arrived[seq] = p
	}
	return len(payload), nil
}

func (l *lossy) Write([]byte) (int, error) { panic("not used") }

// frames returns the packets of each frame, in order; nil where one is missing.
func (l *lossy) frames() (frames [][]rtp.Packet) {
	var frame []rtp.Packet
	for seq := l.first; len(l.arrived) > 0; seq++ {
		p, ok := l.arrived[seq]
		if !ok {
			return nil
		}
		delete(l.arrived, seq)
		if frame = append(frame, p); p.Marker {
			frames, frame = append(frames, frame), nil
		}
	}
	return frames
}

// TestReplayOfEveryCodec: who joins in the middle of a GOP of H.265, AV1 or VP9
// gets each of its frames and those that come, in order and whole, with losses
// repaired, as an independent implementation puts them together.
func TestReplayOfEveryCodec(t *testing.T) {
	const gop, cached = 240, 60
	for codec, c := range map[media.Codec]struct {
		unit        func(index int, idr bool) []byte
		depayloader func() rtp.Depacketizer
	}{
		media.H265: {
			func(_ int, idr bool) []byte {
				if idr {
					return nalu265(19, 30_000)
				}
				return nalu265(1, 3000)
			},
			func() rtp.Depacketizer { return &codecs.H265Depacketizer{} },
		},
		media.AV1: {func(int, bool) []byte { return obu(6, 3000) }, func() rtp.Depacketizer { return &codecs.AV1Depacketizer{} }},
		media.VP9: {func(int, bool) []byte { return nalu(0x82, 3000) }, func() rtp.Depacketizer { return &codecs.VP9Packet{} }},
	} {
		t.Run(codec.String(), func(t *testing.T) {
			var published [][]byte // since the IDR
			s := newScene(t, gop, 0)
			s.encoding = Encoding{Codec: codec}
			s.play.mine = s.encoding
			s.payloads = func(index int, idr bool) [][]byte {
				unit := c.unit(index, idr)
				unit[len(unit)-1], unit[len(unit)-2] = byte(index), byte(index>>8) // no two are alike
				if idr {
					published = nil
				}
				published = append(published, unit)
				payloads, err := payload(&media.AccessUnit{Codec: codec, IDR: idr, NALUs: [][]byte{unit}})
				if err != nil {
					t.Fatal(err)
				}
				return payloads
			}
			for range gop + cached {
				s.publish()
			}
			l := &lossy{arrived: map[uint16]rtp.Packet{}}
			s.play.track.writer = l
			for range 10 {
				s.run(100 * time.Millisecond)
				s.play.feedback(nackOf(l.lost...), s.now)
				l.lost = nil
			}
			frames := l.frames()
			if len(frames) < cached+25 {
				t.Fatalf("%d frames of %d arrived whole", len(frames), len(published))
			}
			for i, frame := range frames {
				if got := join(t, codec, c.depayloader(), frame); !bytes.Equal(got, published[i]) {
					t.Fatalf("frame %d has %d bytes, want %d, or they differ", i, len(got), len(published[i]))
				}
			}
		})
	}
}

// join puts the only unit of a frame together.
func join(t *testing.T, codec media.Codec, d rtp.Depacketizer, packets []rtp.Packet) []byte {
	t.Helper()
	var all []byte
	for _, p := range packets {
		part, err := d.Unmarshal(p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
	switch codec {
	case media.H265:
		return bytes.TrimPrefix(all, []byte{0, 0, 0, 1})
	case media.AV1:
		var units av1.Bitstream
		if err := units.Unmarshal(all); err != nil {
			t.Fatal(err)
		}
		return slices.Concat(units...)
	default:
		return all
	}
}
