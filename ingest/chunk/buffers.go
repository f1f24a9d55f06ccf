package chunk

import (
	"fmt"
	"math/bits"
)

const (
	// firstBody is how much of a body is made at first, in bytes. It grows as
	// the bytes arrive, so a length that is only announced costs no more.
	firstBody = 16 << 10

	// maxSpare is the greatest buffer kept for the next message. Greater ones
	// are rare (intra frames above 6 Mbit/s or so) and left to the collector.
	maxSpare = 512 << 10
)

// store gives s a body to fill.
func (r *Reader) store(s *stream) error {
	if s.length > r.limits.message(s.msg.Type) {
		return fmt.Errorf("%w: type %d with %d bytes, %d allowed", ErrMessage, s.msg.Type, s.length, r.limits.message(s.msg.Type))
	}
	b := r.spare
	if want := min(s.length, firstBody); cap(b) < want {
		// Rounded up, so that lengths which grow one by one find a spare.
		b = make([]byte, 0, 1<<bits.Len(uint(want-1)))
	} else {
		r.spare = nil
	}
	s.msg.Body = b[:0]
	return r.hold(cap(b))
}

// fill reads the next n bytes of the message under way on s.
func (r *Reader) fill(s *stream, n int) error {
	for n > 0 {
		b := s.msg.Body
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(2*cap(b), s.length))
			copy(grown, b)
			s.msg.Body = grown
			if err := r.hold(cap(grown) - cap(b)); err != nil {
				return err
			}
			b = grown
		}
		k, err := r.src.Read(b[len(b):min(cap(b), len(b)+n)])
		s.msg.Body = b[:len(b)+k]
		s.left -= k
		if n -= k; n > 0 && err != nil {
			return err
		}
	}
	return nil
}

// hold counts memory of messages under way.
func (r *Reader) hold(n int) error {
	r.pending += n
	r.limits.Budget.hold(&r.holding, r.pending-Free)
	if r.pending > r.limits.pending() {
		return fmt.Errorf("%w: more than %d bytes", ErrPending, r.limits.pending())
	}
	return nil
}

// release counts memory back.
func (r *Reader) release(n int) {
	r.pending -= n
	r.limits.Budget.hold(&r.holding, r.pending-Free)
}

// drop gives up the message under way on s.
func (r *Reader) drop(s *stream) {
	r.release(cap(s.msg.Body))
	r.keep(s.msg.Body)
	s.msg.Body, s.left = nil, 0
}

// recycle keeps the buffer of the message that was handed up last.
func (r *Reader) recycle() {
	r.keep(r.last)
	r.last = nil
}

// keep keeps a buffer for a next message, if it is better than the spare one.
// Otherwise a header of 12 bytes, again and again, would cost firstBody each.
func (r *Reader) keep(b []byte) {
	if n := cap(b); n > cap(r.spare) && n <= maxSpare {
		r.spare = b[:0]
	}
}
