package nut

import (
	"fmt"
	"io"
)

// maxElided is the size of the longest frame that may leave out its first
// bytes ("elision_header": larger ones have header_idx 0).
const maxElided = 4096

// frame reads a frame. end says that it was the empty one that ends a stream
// (FLAG_EOR).
func (r *Reader) frame() (p Packet, end bool, err error) {
	if r.head == nil {
		return p, false, fmt.Errorf("no main header before it")
	}
	h, err := r.frameHeader()
	if err != nil {
		return p, false, err
	}
	data := make([]byte, len(h.elided)+h.size)
	if _, err := io.ReadFull(r.buf, data[copy(data, h.elided):]); err != nil {
		return p, false, err
	}
	p = Packet{Stream: h.stream, PTS: r.streams[h.stream].base.duration(h.pts), Key: h.flags&flagKey != 0, Data: data}
	return p, h.flags&flagEOR != 0, nil
}

type frameHeader struct {
	flags  uint64
	stream int
	pts    int64
	elided []byte // what the data begins with
	size   int    // of the data that follows
}

// frameHeader reads a frame up to its data ("frame").
func (r *Reader) frameHeader() (h frameHeader, err error) {
	f := &fields{r: r.buf}
	code := r.head.codes[f.byte()]
	h.flags, h.stream, h.size = code.flags, code.stream, code.lsb
	if h.flags&flagCoded != 0 {
		h.flags ^= f.v()
	}
	if h.flags&(flagInvalid|flagSideData) != 0 {
		f.fail("invalid flags %#x", h.flags)
	}
	if h.flags&flagStreamID != 0 {
		h.stream = f.limited("stream id", maxStreams-1)
	}
	s := r.Stream(h.stream)
	if s == nil {
		f.fail("no header of stream %d", h.stream)
		return h, f.err
	}
	h.pts = s.lastPTS + code.ptsDelta
	if h.flags&flagCodedPTS != 0 {
		h.pts = s.decodePTS(f.v())
	}
	if h.flags&flagSizeMSB != 0 {
		h.size += code.mul * f.limited("data_size_msb", uint64(r.maxFrame))
	}
	if h.flags&flagMatch != 0 {
		f.s()
	}
	h.elided = r.elided(f, h.flags, code.header, h.size)
	h.size -= len(h.elided)
	r.skipReserved(f, h.flags, code.reserved)
	if h.flags&flagChecksum != 0 {
		if f.u(4); f.crc != 0 {
			f.fail("wrong checksum")
		}
	}
	if h.size < 0 || h.size > r.maxFrame {
		f.fail("%d bytes, limit %d", h.size, r.maxFrame)
	}
	if f.err == nil {
		s.lastPTS = h.pts
	}
	return h, f.err
}

// elided returns the bytes that a frame of so many bytes begins with and that
// are not in the stream.
func (r *Reader) elided(f *fields, flags uint64, header, size int) []byte {
	if flags&flagHeader != 0 {
		header = f.limited("elision header index", maxElisions)
	}
	if header >= len(r.head.elisions) {
		f.fail("elision header %d of %d", header, len(r.head.elisions))
		return nil
	}
	if size > maxElided {
		return nil
	}
	return r.head.elisions[header]
}

func (r *Reader) skipReserved(f *fields, flags uint64, n int) {
	if flags&flagReserved != 0 {
		n = f.limited("reserved count", maxReserved)
	}
	for range n {
		f.v()
	}
}

// decodePTS completes a timestamp of which a frame may give the low bits only
// ("coded_pts", "lsb2full").
func (s *Stream) decodePTS(coded uint64) int64 {
	c, full := int64(coded), int64(1)<<s.ptsShift
	if c >= full {
		return c - full
	}
	mask := full - 1
	delta := s.lastPTS - mask/2
	return (c-delta)&mask + delta
}
