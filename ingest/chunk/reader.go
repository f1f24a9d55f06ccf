package chunk

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Reader takes a chunk stream apart into messages. It obeys Set Chunk Size and
// Abort by itself, unpacks aggregates, takes AMF 3 wrappers off commands, and
// leaves out empty messages and types that a publisher's server has no use for:
// their bytes are skipped, not stored.
type Reader struct {
	src     *bufio.Reader
	size    int // chunk size in force, bytes
	streams map[uint32]*stream
	limits  Limits

	pending int // bytes held by the messages under way
	holding holding
	last    []byte // body of the message that Next returned last
	spare   []byte // its buffer, for a next one
	parts   parts  // what is left of an aggregate
}

// stream is the state of one chunk stream: the header fields that the next
// header may leave out, and the message under way.
type stream struct {
	known    bool // a header of type 0 or 1 was seen
	msg      Message
	length   int    // of the message, bytes
	delta    uint32 // ms
	extended bool   // the last type 0, 1 or 2 header had an extended timestamp
	field    uint32 // the value of that timestamp field

	left int // payload bytes still to come; 0: no message is under way
}

// NewReader returns a Reader of the chunk stream that follows the handshake
// in src, for commands alone until KeepMedia.
func NewReader(src *bufio.Reader, limits Limits) *Reader {
	r := &Reader{src: src, size: defaultSize, streams: make(map[uint32]*stream), limits: limits.withDefaults()}
	r.limits.commands = true
	r.holding.evict = limits.Evict
	return r
}

// KeepMedia lets audio and video through from here on. Until then they are
// skipped as they come in, so that a client which has not been let in holds no
// more than two commands.
func (r *Reader) KeepMedia() { r.limits.commands = false }

// Close gives back what the Reader holds of the Budget.
func (r *Reader) Close() { r.release(r.pending) }

// Next returns the next message. Its errors wrap ErrMalformed or ErrLimit, or
// are those of the source; the Reader is of no use after one.
func (r *Reader) Next() (Message, error) {
	if m, ok := r.parts.next(); ok {
		return m, nil
	}
	r.recycle()
	for {
		s, err := r.chunk()
		if err != nil {
			return Message{}, noEOF(err)
		}
		if s.left > 0 || s.msg.Body == nil {
			continue // unfinished, skipped or empty
		}
		m := s.msg
		s.msg.Body = nil
		r.release(cap(m.Body))
		r.last = m.Body
		if m, err = r.own(m); err != nil {
			return Message{}, err
		}
		if len(m.Body) > 0 {
			return m, nil
		}
		r.recycle()
	}
}

// own handles the messages that belong to the chunk layer itself. It returns
// the message to hand up; one without a body: there is none.
func (r *Reader) own(m Message) (Message, error) {
	switch m.Type {
	case SetChunkSize:
		return Message{}, r.setSize(m.Body)
	case Abort:
		return Message{}, r.abort(m.Body)
	case CommandAMF3:
		// A format selector of 0, then AMF 0 values, is what clients send;
		// one that really speaks AMF 3 cannot be understood.
		if m.Body[0] != 0 {
			return Message{}, fmt.Errorf("%w: AMF 3 command", ErrMalformed)
		}
		m.Type, m.Body = CommandAMF0, m.Body[1:]
		return m, nil
	case Aggregate:
		var err error
		if r.parts, err = split(m); err != nil {
			return Message{}, err
		}
		m, _ = r.parts.next()
		return m, nil
	default:
		return m, nil
	}
}

// setSize obeys Set Chunk Size (§5.4.1).
func (r *Reader) setSize(body []byte) error {
	if len(body) < 4 {
		return fmt.Errorf("%w: chunk size of %d bytes", ErrMalformed, len(body))
	}
	size := binary.BigEndian.Uint32(body)
	if size == 0 || size > 0x7fffffff {
		return fmt.Errorf("%w: chunk size 0x%x", ErrMalformed, size)
	}
	r.size = int(min(size, MaxSize))
	return nil
}

// abort obeys Abort Message (§5.4.2): the message under way on a chunk stream
// ends here.
func (r *Reader) abort(body []byte) error {
	if len(body) < 4 {
		return fmt.Errorf("%w: abort of %d bytes", ErrMalformed, len(body))
	}
	if s := r.streams[binary.BigEndian.Uint32(body)]; s != nil {
		r.drop(s)
	}
	return nil
}

// chunk reads one chunk whole and returns its stream.
func (r *Reader) chunk() (*stream, error) {
	s, format, err := r.basicHeader()
	if err != nil {
		return nil, err
	}
	if err := r.messageHeader(s, format); err != nil {
		return nil, err
	}
	n := min(s.left, r.size)
	if s.msg.Body != nil {
		return s, r.fill(s, n)
	}
	_, err = r.src.Discard(n)
	s.left -= n
	return s, err
}

// begin starts the message that s's header describes.
func (r *Reader) begin(s *stream) error {
	s.left = s.length
	if s.length == 0 || r.limits.message(s.msg.Type) == 0 || s.msg.Type == DataAMF0 && s.length > r.limits.Command {
		return nil // nobody needs it
	}
	return r.store(s)
}

func noEOF(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}
