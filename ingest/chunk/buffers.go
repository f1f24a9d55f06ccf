package chunk

import (
	"fmt"
	"math/bits"
)

// store gives s a body of its length. Bodies are made at once, of a size that
// the header announces, so the sum of those sizes is what is bounded.
func (r *Reader) store(s *stream) error {
	b := r.spare
	if cap(b) < s.length {
		b = make([]byte, 0, 1<<bits.Len(uint(s.length-1))) // a power of two: the next is likely to fit
	} else {
		r.spare = nil
	}
	if r.pending += cap(b); r.pending > MaxPending {
		return fmt.Errorf("%w: unfinished messages of more than %d bytes", ErrLimit, MaxPending)
	}
	s.msg.Body = b[:s.length]
	return nil
}

// drop gives up the message under way on s.
func (r *Reader) drop(s *stream) {
	r.pending -= cap(s.msg.Body)
	s.msg.Body, s.left = nil, 0
}

// recycle keeps the buffer of the message that was handed up last, if it is
// the better one, for a next message.
func (r *Reader) recycle() {
	if n := cap(r.last); n > cap(r.spare) && n <= maxSpare {
		r.spare = r.last
	}
	r.last = nil
}
