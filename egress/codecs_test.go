package egress

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/media"
)

// nalu265 returns a NAL unit of H.265 of n bytes with a type.
func nalu265(kind byte, n int) []byte {
	b := nalu(0, max(n, 3))
	b[0], b[1] = kind<<1, 1
	return b
}

func TestPayloadH265(t *testing.T) {
	const vps, sps, pps, sei, idr, slice = 32, 33, 34, 39, 19, 1
	cases := []struct {
		name    string
		nalus   [][]byte
		packets int
	}{
		{"one small slice", [][]byte{nalu265(slice, 100)}, 1},
		{"as large as a payload", [][]byte{nalu265(slice, maxPayload)}, 1},
		{"one byte larger", [][]byte{nalu265(slice, maxPayload+1)}, 2},
		{"parameter sets share a packet", [][]byte{nalu265(vps, 24), nalu265(sps, 41), nalu265(pps, 7), nalu265(idr, 50_000)}, 1 + 43},
		{"slices stay apart", [][]byte{nalu265(slice, 10), nalu265(slice, 10)}, 2},
		{"SEI too large to share", [][]byte{nalu265(pps, 7), nalu265(sei, 1180), nalu265(idr, 10)}, 3},
		{"empty", nil, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			payloads := payloadH265(c.nalus)
			if len(payloads) != c.packets {
				t.Errorf("%d packets, want %d", len(payloads), c.packets)
			}
			checkH265(t, c.nalus, payloads)
		})
	}
}

// checkH265 joins payloads with an independent implementation.
func checkH265(t *testing.T, nalus, payloads [][]byte) {
	t.Helper()
	var want, got []byte
	for _, n := range nalus {
		want = append(append(want, 0, 0, 0, 1), n...)
	}
	var d codecs.H265Depacketizer
	for i, p := range payloads {
		b, err := d.Unmarshal(p)
		if err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		got = append(got, b...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("depayloaded %d bytes, want %d, or they differ", len(got), len(want))
	}
	for i, p := range payloads {
		if len(p) > maxPayload {
			t.Errorf("payload %d has %d bytes, more than %d", i, len(p), maxPayload)
		}
		if p[0]>>1 == h265FU && p[2]&(fuStart|fuEnd) == 0 && len(payloads[i-1]) != len(p) {
			t.Errorf("fragment %d has %d bytes, the one before %d", i, len(p), len(payloads[i-1]))
		}
	}
}

func FuzzPayloadH265(f *testing.F) {
	f.Add(uint64(1), uint(3), uint(3000))
	f.Add(uint64(2), uint(1), uint(maxPayload))
	f.Add(uint64(3), uint(20), uint(400))
	f.Fuzz(func(t *testing.T, seed uint64, n, size uint) {
		r := rand.New(rand.NewPCG(seed, 0))
		var nalus [][]byte
		for range n % 32 {
			types := []byte{32, 33, 34, 39, 19, 21, 1, 9}
			nalus = append(nalus, nalu265(types[r.IntN(len(types))], 3+r.IntN(int(size%20_000)+1)))
		}
		checkH265(t, nalus, payloadH265(nalus))
	})
}

// obu returns an OBU of n bytes without a size field.
func obu(kind byte, n int) []byte {
	b := nalu(0, n)
	b[0] = kind << 3
	return b
}

func TestPayloadAV1(t *testing.T) {
	const sequence, frameHeader, tiles, metadata, frame = 1, 3, 4, 5, 6
	cases := []struct {
		name    string
		obus    [][]byte
		key     bool
		packets int
	}{
		{"one byte", [][]byte{obu(frame, 1)}, false, 1},
		{"a small frame", [][]byte{obu(frame, 100)}, false, 1},
		{"as large as a payload", [][]byte{obu(frame, maxPayload-3)}, false, 1},
		{"larger", [][]byte{obu(frame, maxPayload+1)}, false, 2},
		{"key frame", [][]byte{obu(sequence, 13), obu(frame, 50_000)}, true, 43},
		{"three", [][]byte{obu(sequence, 13), obu(metadata, 30), obu(frame, 50)}, true, 1},
		{"more than three", [][]byte{obu(frameHeader, 20), obu(tiles, 300), obu(tiles, 300), obu(tiles, 300)}, false, 2},
		{"large after large", [][]byte{obu(frame, 5000), obu(frame, 5000)}, false, 9},
		{"empty", nil, false, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			payloads := payloadAV1(c.obus, c.key)
			if len(payloads) != c.packets {
				t.Errorf("%d packets, want %d", len(payloads), c.packets)
			}
			checkAV1(t, c.obus, payloads, c.key)
		})
	}
}

// checkAV1 joins payloads with an independent implementation.
func checkAV1(t *testing.T, obus, payloads [][]byte, key bool) {
	t.Helper()
	var want av1.Bitstream
	for _, o := range obus {
		want = append(want, o)
	}
	var got av1.Bitstream
	var d codecs.AV1Depacketizer
	for i, p := range payloads {
		b, err := d.Unmarshal(p)
		if err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		if len(p) > maxPayload {
			t.Errorf("payload %d has %d bytes, more than %d", i, len(p), maxPayload)
		}
		if len(b) > 0 {
			var part av1.Bitstream
			if err := part.Unmarshal(b); err != nil {
				t.Fatalf("payload %d: %v", i, err)
			}
			got = append(got, part...)
		}
		if isNew := p[0]&av1NewVideo != 0; isNew != (key && i == 0) {
			t.Errorf("payload %d: N is %t", i, isNew)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d OBUs, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("OBU %d has %d bytes, want %d, or they differ", i, len(got[i]), len(want[i]))
		}
	}
	if len(obus) == 1 {
		for i := 1; i < len(payloads)-1; i++ {
			if len(payloads[i]) != len(payloads[0]) {
				t.Errorf("payload %d has %d bytes, the first %d", i, len(payloads[i]), len(payloads[0]))
			}
		}
	}
}

func FuzzPayloadAV1(f *testing.F) {
	f.Add(uint64(1), uint(3), uint(3000), true)
	f.Add(uint64(2), uint(1), uint(maxPayload), false)
	f.Add(uint64(3), uint(20), uint(400), false)
	f.Fuzz(func(t *testing.T, seed uint64, n, size uint, key bool) {
		r := rand.New(rand.NewPCG(seed, 0))
		var obus [][]byte
		for range n % 32 {
			kinds := []byte{1, 3, 4, 5, 6}
			obus = append(obus, obu(kinds[r.IntN(len(kinds))], 1+r.IntN(int(size%20_000)+1)))
		}
		checkAV1(t, obus, payloadAV1(obus, key), key)
	})
}

func TestPayloadVP9(t *testing.T) {
	for _, size := range []int{1, 100, maxPayload - 3, maxPayload, 50_000} {
		for _, key := range []bool{true, false} {
			checkVP9(t, nalu(0x82, size), key)
		}
	}
}

func checkVP9(t *testing.T, frame []byte, key bool) {
	t.Helper()
	payloads := payloadVP9(frame, key)
	var got []byte
	for i, p := range payloads {
		p = numberVP9(nil, p, 4711)
		var d codecs.VP9Packet
		b, err := d.Unmarshal(p)
		if err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		got = append(got, b...)
		if d.PictureID != 4711 || !d.F || d.P == key || d.B != (i == 0) || d.E != (i == len(payloads)-1) || !key && (len(d.PDiff) != 1 || d.PDiff[0] != 1) {
			t.Errorf("payload %d of %d: %+v", i, len(payloads), d)
		}
		if len(p) > maxPayload || i > 0 && i < len(payloads)-1 && len(p) != len(payloads[0]) {
			t.Errorf("payload %d has %d bytes, the first %d", i, len(p), len(payloads[0]))
		}
	}
	if !bytes.Equal(got, frame) {
		t.Errorf("depayloaded %d bytes, want %d, or they differ", len(got), len(frame))
	}
}

func FuzzPayloadVP9(f *testing.F) {
	f.Add(uint(3000), true)
	f.Add(uint(1), false)
	f.Fuzz(func(t *testing.T, size uint, key bool) { checkVP9(t, nalu(0x82, 1+int(size%50_000)), key) })
}

// Each viewer counts pictures by itself, and a repeated packet is as it was.
func TestVP9PicturesAreNumbered(t *testing.T) {
	w := &vp9Wire{}
	tr := newTrack(webrtc.RTPCodecTypeVideo, videoClock)
	tr.writer = w
	tr.picture = 0x7fff
	frame := func(key bool) *Frame {
		return &Frame{Encoding: Encoding{Codec: media.VP9}, IDR: key, Payloads: payloadVP9(nalu(0x82, 3000), key)}
	}
	first := frame(true)
	for _, f := range []*Frame{first, frame(false), first} {
		_ = tr.send(f, 0, nil)
	}
	if _, err := tr.repeat(sentFrame{frame: first, picture: 0x7fff}, 1); err != nil {
		t.Fatal(err)
	}
	want := []uint16{0x7fff, 0x7fff, 0x7fff, 0, 0, 0, 1, 1, 1, 0x7fff}
	if len(w.pictures) != len(want) {
		t.Fatalf("pictures %x, want %x", w.pictures, want)
	}
	for i := range want {
		if w.pictures[i] != want[i] {
			t.Fatalf("pictures %x, want %x", w.pictures, want)
		}
	}
	if p := first.Payloads[0]; p[1] != 0x80 || p[2] != 0 {
		t.Error("the shared payload was changed")
	}
}

type vp9Wire struct{ pictures []uint16 }

func (w *vp9Wire) WriteRTP(_ *rtp.Header, payload []byte) (int, error) {
	var d codecs.VP9Packet
	_, err := d.Unmarshal(payload)
	w.pictures = append(w.pictures, d.PictureID)
	return len(payload), err
}

func (w *vp9Wire) Write([]byte) (int, error) { panic("not used") }

// What was not negotiated is not sent.
func TestCodecChangeEndsTheSession(t *testing.T) {
	s := newScene(t, 10, 15)
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	s.play.end = end
	if s.run(time.Second); ctx.Err() != nil || s.wire.payloads != nil {
		t.Fatalf("ended by %v", context.Cause(ctx))
	}
	s.encoding = Encoding{Codec: media.AV1}
	if sent := len(s.run(frameTime)); !errors.Is(context.Cause(ctx), ErrCodecChanged) || sent > 0 {
		t.Errorf("%d packets sent, ended by %v", sent, context.Cause(ctx))
	}
}

// RASL pictures go to who has the pictures before the IRAP, and to nobody else.
func TestSkippedFrames(t *testing.T) {
	s := newScene(t, 10, 15)
	s.skipped = func(i int) bool { return i%10 == 1 || i%10 == 2 }
	s.publish() // 15
	sent := func(first, last int) (n int) {
		for i := first; i <= last; i++ {
			if !s.skipped(i) || i >= 20 {
				n++
			}
		}
		return n
	}
	s.hub.gop.drop()
	s.play.backlog.wait()
	for s.index < 20 {
		s.publish()
	}
	packets := s.run(20 * frameTime)
	if got, want := len(s.frames(packets)), sent(20, s.index-1)-2; got != want {
		t.Errorf("%d frames sent, want %d: the RASL pictures of the first GOP left out, those of the next not", got, want)
	}
}
