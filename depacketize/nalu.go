package depacketize

// NAL unit types (ITU-T H.264 table 7-1).
const (
	naluSlice         = 1
	naluIDR           = 5
	naluSPS           = 7
	naluPPS           = 8
	naluDelimiter     = 9
	naluEndOfSequence = 10
	naluEndOfStream   = 11
	naluFiller        = 12
)

// maxNALUs is how many NAL units an access unit may have: one slice a
// macroblock row makes 270 at the highest level's 4320 lines; x264 with
// zerolatency sends one a CPU core, and MediaMTX's limit of 20 broke that
// (bluenviron/mediamtx#1401).
const maxNALUs = 512

func naluType(nalu []byte) byte { return nalu[0] & 0x1f }

// cutNALU cuts the first NAL unit off a sequence of them, each behind its
// length in lengthSize bytes; it may come out empty. How large one can be is
// bounded by the RTMP message.
//
// Specification: ISO/IEC 14496-15 §5.3.4.2 (AVC sample structure).
func cutNALU(data []byte, lengthSize int) (nalu, rest []byte, err error) {
	if len(data) < lengthSize {
		return nil, nil, corrupt("NAL unit length of %d bytes, %d are left", lengthSize, len(data))
	}
	n := 0
	for _, b := range data[:lengthSize] {
		n = n<<8 | int(b)
	}
	data = data[lengthSize:]
	if n > len(data) {
		return nil, nil, corrupt("NAL unit of %d bytes where %d are left", n, len(data))
	}
	if n > 0 && data[0]&0x80 != 0 {
		return nil, nil, corrupt("NAL unit with the forbidden bit set")
	}
	return data[:n:n], data[n:], nil
}

// carried says whether a NAL unit goes on to viewers: not delimiters, filler
// and ends of sequence, which RTP does not need, and not the unspecified types
// 0 and 24 to 31, which mean something else in RTP (RFC 6184 §5.2).
func carried(t byte) bool {
	switch t {
	case naluDelimiter, naluEndOfSequence, naluEndOfStream, naluFiller:
		return false
	default:
		return t > 0 && t < 24
	}
}

// contents is what a first pass over an access unit finds.
type contents struct {
	carried  int      // NAL units to carry, parameter sets not counted
	sets     [][]byte // SPS and PPS, in order
	coded    bool     // has slices of a primary picture
	idr      bool
	sps, pps bool // among sets
}

// survey checks the framing of an access unit and says what is in it.
//
// NAL units of zero length are passed over: DJI's drones send them
// (bluenviron/mediamtx#2375), and nothing is lost with them. But where nothing
// else is found, the data are no NAL units.
func survey(data []byte, lengthSize int) (c contents, err error) {
	count := 0
	for rest := data; len(rest) > 0; {
		var nalu []byte
		if nalu, rest, err = cutNALU(rest, lengthSize); err != nil {
			return contents{}, err
		}
		if len(nalu) == 0 {
			continue
		}
		if count++; count > maxNALUs {
			return contents{}, corrupt("more than %d NAL units", maxNALUs)
		}
		c.add(nalu)
	}
	if count == 0 && len(data) > 0 {
		return contents{}, corrupt("%d bytes without a NAL unit", len(data))
	}
	return c, nil
}

func (c *contents) add(nalu []byte) {
	t := naluType(nalu)
	c.coded = c.coded || t >= naluSlice && t <= naluIDR
	c.idr = c.idr || t == naluIDR
	c.sps = c.sps || t == naluSPS
	c.pps = c.pps || t == naluPPS
	switch {
	case t == naluSPS || t == naluPPS:
		c.sets = append(c.sets, nalu)
	case carried(t):
		c.carried++
	}
}
