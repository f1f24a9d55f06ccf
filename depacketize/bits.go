package depacketize

// bitReader reads bits, most significant first. After an error, which sticks,
// it reads zeros.
type bitReader struct {
	data []byte
	pos  int // in bits
	err  error
}

func (r *bitReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = corrupt(format, args...)
	}
}

// left returns how many bits are left.
func (r *bitReader) left() int { return len(r.data)*8 - r.pos }

// u reads an unsigned number of n bits, at most 32.
func (r *bitReader) u(n int) uint32 {
	if r.left() < n {
		r.fail("ends at bit %d", len(r.data)*8)
	}
	if r.err != nil {
		return 0
	}
	var v uint32
	for range n {
		v = v<<1 | uint32(r.data[r.pos/8]>>(7-r.pos%8)&1)
		r.pos++
	}
	return v
}

func (r *bitReader) flag() bool { return r.u(1) == 1 }

// skip passes over n bits.
func (r *bitReader) skip(n int) {
	if r.left() < n {
		r.fail("ends at bit %d", len(r.data)*8)
	}
	if r.err == nil {
		r.pos += n
	}
}

// ue reads an unsigned Exp-Golomb code (ITU-T H.264 §9.1). More than highest
// is an error.
func (r *bitReader) ue(what string, highest uint32) uint32 {
	zeros := 0
	for !r.flag() {
		if r.err != nil {
			return 0
		}
		if zeros++; zeros == 32 { // 2^32−2 is the highest value there is
			r.fail("%s is no Exp-Golomb code", what)
			return 0
		}
	}
	v := uint32(1)<<zeros - 1 + r.u(zeros)
	if v > highest {
		r.fail("%s is %d, at most %d makes sense", what, v, highest)
		return 0
	}
	return v
}

// se reads a signed Exp-Golomb code (ITU-T H.264 §9.1.1).
func (r *bitReader) se(what string) int32 {
	v := r.ue(what, 1<<32-2)
	if v&1 == 1 {
		return int32(v/2 + 1)
	}
	return -int32(v / 2)
}
