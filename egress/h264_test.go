package egress

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp/codecs"
)

// nalu returns a NAL unit of n bytes with the given header.
func nalu(header byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 1)
	}
	b[0] = header
	return b
}

// depayload joins payloads with an independent implementation, as Annex B.
func depayload(t *testing.T, payloads [][]byte) []byte {
	t.Helper()
	var d codecs.H264Packet
	var out []byte
	for i, p := range payloads {
		b, err := d.Unmarshal(p)
		if err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		out = append(out, b...)
	}
	return out
}

func TestPayloadH264(t *testing.T) {
	const sps, pps, sei, idr, slice = 0x67, 0x68, 0x06, 0x65, 0x41
	cases := []struct {
		name    string
		nalus   [][]byte
		packets int
	}{
		{"one byte", [][]byte{{slice}}, 1},
		{"one small slice", [][]byte{nalu(slice, 100)}, 1},
		{"as large as a payload", [][]byte{nalu(slice, maxPayload)}, 1},
		{"one byte larger", [][]byte{nalu(slice, maxPayload+1)}, 2},
		{"parameter sets share a packet", [][]byte{nalu(sps, 25), nalu(pps, 5), nalu(idr, 50_000)}, 1 + 43},
		{"SEI too", [][]byte{nalu(sps, 25), nalu(pps, 5), nalu(sei, 600), nalu(idr, 10)}, 2},
		{"SEI too large to share", [][]byte{nalu(sps, 25), nalu(pps, 5), nalu(sei, 1180), nalu(idr, 10)}, 3},
		{"slices stay apart", [][]byte{nalu(slice, 10), nalu(slice, 10)}, 2},
		{"huge SEI", [][]byte{nalu(sei, 5000), nalu(slice, 10)}, 6},
		{"empty", nil, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			payloads := payloadH264(c.nalus)
			if len(payloads) != c.packets {
				t.Errorf("%d packets, want %d", len(payloads), c.packets)
			}
			checkPayloads(t, c.nalus, payloads)
		})
	}
}

// checkPayloads checks what holds for every access unit.
func checkPayloads(t *testing.T, nalus, payloads [][]byte) {
	t.Helper()
	var want []byte
	for _, n := range nalus {
		want = append(append(want, 0, 0, 0, 1), n...)
	}
	if got := depayload(t, payloads); !bytes.Equal(got, want) {
		t.Errorf("depayloaded %d bytes, want %d, or they differ", len(got), len(want))
	}
	for i, p := range payloads {
		if len(p) > maxPayload {
			t.Errorf("payload %d has %d bytes, more than %d", i, len(p), maxPayload)
		}
		fragment := p[0]&nalTypeMask == naluFUA
		if fragment && p[1]&fuEnd == 0 && len(payloads[i+1]) > len(p) {
			t.Errorf("fragment %d of %d bytes is followed by a larger one", i, len(p))
		}
		if fragment && p[1]&(fuStart|fuEnd) == 0 && len(payloads[i-1]) != len(p) {
			t.Errorf("fragment %d has %d bytes, the one before %d", i, len(p), len(payloads[i-1]))
		}
	}
}

func FuzzPayloadH264(f *testing.F) {
	f.Add(uint64(1), uint(3), uint(3000))
	f.Add(uint64(2), uint(1), uint(maxPayload))
	f.Add(uint64(3), uint(20), uint(400))
	f.Fuzz(func(t *testing.T, seed uint64, n, size uint) {
		r := rand.New(rand.NewPCG(seed, 0))
		var nalus [][]byte
		for range n % 32 {
			types := []byte{0x67, 0x68, 0x06, 0x65, 0x41, 0x01}
			nalus = append(nalus, nalu(types[r.IntN(len(types))], 1+r.IntN(int(size%20_000)+1)))
		}
		checkPayloads(t, nalus, payloadH264(nalus))
	})
}

func BenchmarkPayloadH264(b *testing.B) {
	nalus := [][]byte{nalu(0x41, 25_000)}
	b.SetBytes(25_000)
	b.ReportAllocs()
	for b.Loop() {
		payloadH264(nalus)
	}
}
