package chunk

import (
	"encoding/binary"
	"fmt"
)

// basicHeader reads a chunk basic header (§5.3.1.1) of 1, 2 or 3 bytes.
func (r *Reader) basicHeader() (s *stream, format byte, err error) {
	b, err := r.take(1)
	if err != nil {
		return nil, 0, err
	}
	format, id := b[0]>>6, uint32(b[0]&0x3f)
	switch id {
	case 0:
		if b, err = r.take(1); err != nil {
			return nil, 0, err
		}
		id = uint32(b[0]) + 64
	case 1:
		if b, err = r.take(2); err != nil {
			return nil, 0, err
		}
		id = uint32(b[1])<<8 + uint32(b[0]) + 64
	}
	s = r.streams[id]
	if s == nil {
		if len(r.streams) == r.limits.Streams {
			return nil, 0, fmt.Errorf("%w: more than %d", ErrStreams, r.limits.Streams)
		}
		s = new(stream)
		r.streams[id] = s
	}
	return s, format, nil
}

// messageHeader reads a chunk message header (§5.3.1.2) with its extended
// timestamp (§5.3.1.3) and begins a new message where it does.
func (r *Reader) messageHeader(s *stream, format byte) error {
	if format == 3 {
		return r.bareHeader(s)
	}
	was := *s
	b, err := r.take([...]int{11, 7, 3}[format])
	if err != nil {
		return err
	}
	field := uint24(b)
	if format < 2 {
		s.known = true
		s.length = int(uint24(b[3:]))
		s.msg.Type = Type(b[6])
	}
	if format == 0 {
		s.msg.StreamID = binary.LittleEndian.Uint32(b[7:])
	}
	if s.extended = field == 0xffffff; s.extended {
		if b, err = r.take(4); err != nil {
			return err
		}
		field = binary.BigEndian.Uint32(b)
	}
	s.field = field

	// Chunks that continue a message should be of type 3 (§5.3.1.2.4). One
	// whose header agrees continues it too, as FFmpeg and SRS read it; another
	// one, which is an error to them, begins the next message here.
	if was.left > 0 {
		if was.length == s.length && was.msg.Type == s.msg.Type {
			return nil
		}
		r.drop(s)
	}

	// The difference that a following type 3 repeats is, after a type 0, its
	// timestamp (§5.3.1.2.4); ffmpeg makes use of that.
	s.delta = field
	if format == 0 {
		s.msg.Timestamp = 0
	}
	return r.next(s)
}

// bareHeader reads what follows the basic header of a type 3 chunk: nothing,
// or an extended timestamp (§5.3.1.3).
func (r *Reader) bareHeader(s *stream) error {
	if s.left > 0 {
		return r.repeated(s)
	}
	if s.extended {
		b, err := r.take(4)
		if err != nil {
			return err
		}
		s.delta = binary.BigEndian.Uint32(b)
		s.field = s.delta
	}
	return r.next(s)
}

// repeated skips the extended timestamp that a continuing chunk repeats. Some
// old senders leave it out, so it is skipped only where it is the timestamp.
func (r *Reader) repeated(s *stream) error {
	if !s.extended {
		return nil
	}
	b, err := r.src.Peek(4)
	if err != nil {
		return err
	}
	if v := binary.BigEndian.Uint32(b); v == s.field || v == s.msg.Timestamp {
		_, err = r.src.Discard(4)
	}
	return err
}

// next begins the message after the one before on its chunk stream.
func (r *Reader) next(s *stream) error {
	if !s.known {
		return fmt.Errorf("%w: chunk stream begins without a message header", ErrMalformed)
	}
	s.msg.Timestamp += s.delta
	return r.begin(s)
}

// take returns the next n bytes, valid until the next read.
func (r *Reader) take(n int) ([]byte, error) {
	b, err := r.src.Peek(n)
	if err != nil {
		return nil, err
	}
	_, err = r.src.Discard(n)
	return b, err
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
