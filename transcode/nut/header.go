package nut

import (
	"math/big"
	"time"
)

// Limits of headers. ffmpeg with one stream writes about 200 bytes of main
// header, one stream, one time base, 6 elision headers.
const (
	maxStreams   = 8
	maxTimeBases = 8
	maxTimeBase  = 1<<31 - 1 // numerator and denominator, as ffmpeg limits them
	maxCodecData = 16 << 10  // parameter sets of video; OpusHead has 19 bytes
	maxDistance  = 65536     // "max_distance SHOULD be set to <= 32768, must be <= 65536"
	maxElisions  = 127       // "header_count_minus1 MUST be < 128"
	maxElision   = 255       // bytes in one, "MUST be < 256"
	maxReserved  = 256       // reserved fields of a frame, none in version 3
	maxPTSShift  = 15        // msb_pts_shift, "MUST be < 16"
)

// frame_flags ("frame_code").
const (
	flagKey      = 1 << 0
	flagEOR      = 1 << 1
	flagCodedPTS = 1 << 3
	flagStreamID = 1 << 4
	flagSizeMSB  = 1 << 5
	flagChecksum = 1 << 6
	flagReserved = 1 << 7
	flagSideData = 1 << 8
	flagHeader   = 1 << 10
	flagMatch    = 1 << 11
	flagCoded    = 1 << 12
	flagInvalid  = 1 << 13
)

// main_flags.
const flagBroadcast = 1 << 0

// Stream is what a stream header says.
type Stream struct {
	// FourCC names the codec, such as "Opus".
	FourCC string

	// CodecData is the codec's own header: for Opus the OpusHead of
	// RFC 7845 §5.1.
	CodecData []byte

	base     timeBase
	ptsShift int   // low bits of a timestamp that a frame may give instead of all
	lastPTS  int64 // in units of base
}

// timeBase is the unit of timestamps in seconds, num/den.
type timeBase struct{ num, den int64 }

// duration converts a timestamp, rounded down to nanoseconds.
func (b timeBase) duration(pts int64) time.Duration {
	return time.Duration(b.convert(pts, timeBase{1, int64(time.Second)}))
}

// convert gives a timestamp in units of another base, rounded down
// ("convert_ts").
func (b timeBase) convert(pts int64, to timeBase) int64 {
	if b == to {
		return pts
	}
	x := big.NewInt(pts)
	x.Mul(x, big.NewInt(b.num)).Mul(x, big.NewInt(to.den))
	x.Div(x, new(big.Int).Mul(big.NewInt(b.den), big.NewInt(to.num)))
	return x.Int64()
}

// frameCode is what one value of a frame's first byte stands for.
type frameCode struct {
	flags    uint64
	stream   int
	mul, lsb int // of the size
	ptsDelta int64
	reserved int
	header   int
}

// mainHeader is the main_header without what only seeking needs.
type mainHeader struct {
	streams   int
	bases     []timeBase
	codes     [256]frameCode
	elisions  [][]byte // the first is empty
	broadcast bool
}

func parseMainHeader(f *fields) *mainHeader {
	h := &mainHeader{}
	version := f.v()
	if version < 2 || version > 4 {
		f.fail("version %d, want 2 to 4", version)
	}
	if version > 3 {
		f.v() // minor_version
	}
	h.streams = f.limited("stream count", maxStreams)
	f.limited("max_distance", maxDistance)
	h.bases = make([]timeBase, f.limited("time base count", maxTimeBases))
	for i := range h.bases {
		num, den := f.limited("time base", maxTimeBase), f.limited("time base", maxTimeBase)
		if num == 0 || den == 0 {
			f.fail("time base %d/%d", num, den)
		}
		h.bases[i] = timeBase{int64(num), int64(den)}
	}
	h.parseFrameCodes(f)
	h.elisions = make([][]byte, 1+f.limited("elision header count", maxElisions))
	for i := range h.elisions[1:] {
		h.elisions[1+i] = f.vb("elision header", maxElision)
	}
	if version > 3 {
		h.broadcast = f.v()&flagBroadcast != 0
	}
	return h
}

// parseFrameCodes reads the table of frame codes: runs of codes that differ in
// the size alone.
func (h *mainHeader) parseFrameCodes(f *fields) {
	run := frameCode{mul: 1}
	for i := 0; i < len(h.codes) && f.err == nil; {
		run.flags = f.v()
		n := f.limited("frame code fields", maxReserved)
		if n > 0 {
			run.ptsDelta = f.s()
		}
		if n > 1 {
			run.mul = f.limited("data_size_mul", 1<<14)
		}
		if n > 2 {
			run.stream = f.limited("stream id", maxStreams-1)
		}
		run.lsb, run.reserved = 0, 0
		if n > 3 {
			run.lsb = f.limited("data_size_lsb", 1<<14)
		}
		if n > 4 {
			run.reserved = f.limited("reserved count", maxReserved)
		}
		count := run.mul - run.lsb
		if n > 5 {
			count = f.limited("frame code count", 256)
		}
		if n > 6 {
			f.s() // match_time_delta
		}
		if n > 7 {
			run.header = f.limited("elision header index", maxElisions)
		}
		for range max(0, n-8) {
			f.v()
		}
		i = h.fillCodes(f, i, count, run)
	}
}

// fillCodes gives count codes from i on the meaning of run; 'N' begins a
// startcode and is left out.
func (h *mainHeader) fillCodes(f *fields, i, count int, run frameCode) int {
	if count <= 0 {
		f.fail("run of %d frame codes", count)
	}
	for ; count > 0 && i < len(h.codes); i++ {
		if i == 'N' {
			h.codes[i].flags = flagInvalid
			continue
		}
		h.codes[i] = run
		run.lsb++
		count--
	}
	return i
}

// parseStreamHeader reads a stream_header up to what its class adds.
func (h *mainHeader) parseStreamHeader(f *fields) (id int, s Stream) {
	id = f.limited("stream id", uint64(max(0, h.streams-1)))
	f.v() // stream_class
	s.FourCC = string(f.vb("fourcc", 4))
	base := f.limited("time base id", uint64(max(0, len(h.bases)-1)))
	s.ptsShift = f.limited("msb_pts_shift", maxPTSShift)
	f.v() // max_pts_distance
	f.v() // decode_delay
	f.v() // stream_flags
	s.CodecData = f.vb("codec data", maxCodecData)
	if len(h.bases) == 0 {
		f.fail("stream without a time base")
		return id, s
	}
	s.base = h.bases[base]
	return id, s
}
