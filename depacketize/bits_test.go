package depacketize

import (
	"errors"
	"testing"
)

// bitWriter writes what bitReader reads.
type bitWriter struct {
	data []byte
	free int
}

func (w *bitWriter) u(n int, v uint32) *bitWriter {
	for i := n - 1; i >= 0; i-- {
		if w.free == 0 {
			w.data, w.free = append(w.data, 0), 8
		}
		w.free--
		w.data[len(w.data)-1] |= byte(v>>i&1) << w.free
	}
	return w
}

func (w *bitWriter) ue(values ...uint32) *bitWriter {
	for _, v := range values {
		n := 0
		for (v+1)>>n > 1 {
			n++
		}
		w.u(n, 0).u(n+1, v+1)
	}
	return w
}

func (w *bitWriter) se(values ...int32) *bitWriter {
	for _, v := range values {
		if v > 0 {
			w.ue(uint32(v)*2 - 1)
		} else {
			w.ue(uint32(-v) * 2)
		}
	}
	return w
}

// nalu returns the data as a NAL unit with trailing bits and emulation
// prevention.
func (w *bitWriter) nalu() []byte {
	w.u(1, 1)
	var out []byte
	zeros := 0
	for _, b := range w.data {
		if zeros >= 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

func TestBitReader(t *testing.T) {
	unsigned := []uint32{0, 1, 2, 3, 62, 63, 64, 255, 65535, 1<<31 - 1, 1<<31 - 2}
	signed := []int32{0, 1, -1, 2, -2, 127, -128, 1 << 20, -(1 << 20)}
	w := (&bitWriter{}).u(3, 5).ue(unsigned...).se(signed...).u(32, 0xdeadbeef)
	r := bitReader{data: w.data}
	if v := r.u(3); v != 5 {
		t.Errorf("u(3) is %d", v)
	}
	for _, want := range unsigned {
		if v := r.ue("value", noLimit); v != want {
			t.Errorf("ue is %d, want %d", v, want)
		}
	}
	for _, want := range signed {
		if v := r.se("value"); v != want {
			t.Errorf("se is %d, want %d", v, want)
		}
	}
	if v := r.u(32); v != 0xdeadbeef || r.err != nil {
		t.Errorf("u(32) is %x, error %v", v, r.err)
	}
	for name, read := range map[string]func(*bitReader){
		"past the end":       func(r *bitReader) { r.u(25) },
		"skip past the end":  func(r *bitReader) { r.skip(25) },
		"code past the end":  func(r *bitReader) { r.skip(16); r.ue("x", noLimit) },
		"code above highest": func(r *bitReader) { r.ue("x", 5) },
	} {
		r := &bitReader{data: []byte{0x0f, 0, 0}}
		read(r)
		if !errors.Is(r.err, ErrCorrupt) || r.u(1) != 0 {
			t.Errorf("%s: error %v", name, r.err)
		}
	}
	long := &bitReader{data: make([]byte, 9)}
	if long.ue("x", noLimit); long.err == nil {
		t.Error("72 zeros are taken for an Exp-Golomb code")
	}
}
