package nut

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	fileID = "nut/multimedia container\x00"

	// startcodes ("packet_header")
	mainCode   = 0x4e4d7a561f5f04ad
	streamCode = 0x4e5311405bf2f9db
	syncCode   = 0x4e4be4adeeca4569
	infoCode   = 0x4e49ab68b596ba78
	indexCode  = 0x4e58dd672f23e64e

	// maxPacket is the limit of everything that is not a frame. ffmpeg's info
	// packets have some dozen bytes.
	maxPacket = 64 << 10

	// longPacket is the forward_ptr above which it has its own checksum.
	longPacket = 4096

	// bufferSize is one page, the size of the pipe that ffmpeg writes to.
	bufferSize = 4096
)

// Packet is one frame.
type Packet struct {
	Stream int
	PTS    time.Duration // rounded down to nanoseconds
	Key    bool
	Data   []byte
}

// Reader reads the frames of a NUT stream. It is used by one goroutine.
type Reader struct {
	buf      *bufio.Reader
	maxFrame int

	begun   bool
	head    *mainHeader
	streams []*Stream // nil until its header was read
}

// NewReader returns a Reader of r, in which no frame may be longer than
// maxFrame bytes.
func NewReader(r io.Reader, maxFrame int) *Reader {
	return &Reader{buf: bufio.NewReaderSize(r, bufferSize), maxFrame: maxFrame}
}

// Stream returns the header of a stream, nil if it has not been read. That of
// a Packet's stream always has.
func (r *Reader) Stream(id int) *Stream {
	if id < 0 || id >= len(r.streams) {
		return nil
	}
	return r.streams[id]
}

// Next returns the next frame. It returns io.EOF at the end of the stream, if
// that is not within a frame; after any error the Reader is of no more use.
func (r *Reader) Next() (Packet, error) {
	if err := r.begin(); err != nil {
		return Packet{}, err
	}
	for {
		first, err := r.buf.Peek(1)
		if err != nil {
			return Packet{}, err
		}
		if first[0] == 'N' {
			if err := r.packet(); err != nil {
				return Packet{}, err
			}
			continue
		}
		p, end, err := r.frame()
		if err != nil {
			return Packet{}, fmt.Errorf("frame: %w", noEOF(err))
		}
		if !end {
			return p, nil
		}
	}
}

func (r *Reader) begin() error {
	if r.begun {
		return nil
	}
	r.begun = true
	id := make([]byte, len(fileID))
	n, err := io.ReadFull(r.buf, id)
	if !bytes.HasPrefix([]byte(fileID), id[:n]) {
		return errors.New("not a NUT stream")
	}
	return err
}

// packet reads what begins with a startcode ("packet_header").
func (r *Reader) packet() error {
	f := &fields{r: r.buf}
	code := f.u(8)
	size := f.limited("packet size", maxPacket)
	if size > longPacket {
		if f.u(4); f.err == nil && f.crc != 0 {
			f.fail("wrong checksum of the size")
		}
	}
	if f.err != nil {
		return fmt.Errorf("packet header: %w", f.err)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r.buf, payload); err != nil {
		return fmt.Errorf("packet %x of %d bytes: %w", code, size, noEOF(err))
	}
	crc := uint32(0)
	for _, b := range payload {
		crc = checksum(crc, b)
	}
	if size < 4 || crc != 0 {
		return fmt.Errorf("packet %x: wrong checksum", code)
	}
	return r.payload(code, payload[:size-4])
}

func (r *Reader) payload(code uint64, b []byte) error {
	f := &fields{r: bytes.NewReader(b)}
	switch {
	case code == mainCode:
		r.mainHeader(f)
	case code == infoCode, code == indexCode:
		return nil
	case r.head == nil:
		f.fail("no main header before it")
	case code == streamCode:
		r.streamHeader(f)
	case code == syncCode:
		r.syncpoint(f)
	default: // unknown packets are skipped: forward_ptr is there for that
	}
	if f.err != nil {
		return fmt.Errorf("packet %x: %w", code, f.err)
	}
	return nil
}

// mainHeader takes the first main header and its repetitions, which ffmpeg
// writes as the stream grows.
func (r *Reader) mainHeader(f *fields) {
	head := parseMainHeader(f)
	if r.head != nil && head.streams != r.head.streams {
		f.fail("stream count changed from %d to %d", r.head.streams, head.streams)
	}
	if f.err != nil {
		return
	}
	if r.head == nil {
		r.streams = make([]*Stream, head.streams)
	}
	r.head = head
}

func (r *Reader) streamHeader(f *fields) {
	id, s := r.head.parseStreamHeader(f)
	if f.err != nil || id >= len(r.streams) {
		f.fail("stream %d of %d", id, len(r.streams))
		return
	}
	if old := r.streams[id]; old != nil {
		s.lastPTS = old.lastPTS
	}
	r.streams[id] = &s
}

// syncpoint sets the last timestamp of all streams to its own.
func (r *Reader) syncpoint(f *fields) {
	t := f.v()
	f.v() // back_ptr_div16
	if r.head.broadcast {
		f.v() // transmit_ts
	}
	n := uint64(len(r.head.bases))
	if f.err != nil || n == 0 {
		f.fail("syncpoint without a time base")
		return
	}
	for _, s := range r.streams {
		if s != nil {
			s.lastPTS = r.head.bases[t%n].convert(int64(t/n), s.base)
		}
	}
}

// noEOF turns an end of file within something into an error.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
