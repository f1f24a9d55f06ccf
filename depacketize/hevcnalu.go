package depacketize

// NAL unit types of H.265 (ITU-T H.265 table 7-1).
const (
	hevcRASLN      = 8
	hevcRASLR      = 9
	hevcFirstIRAP  = 16 // BLA_W_LP
	hevcLastIRAP   = 21 // CRA_NUT
	hevcLastVCL    = 31
	hevcVPS        = 32
	hevcSPS        = 33
	hevcPPS        = 34
	hevcDelimiter  = 35
	hevcEndOfSeq   = 36
	hevcEndOfBits  = 37
	hevcFiller     = 38
	hevcPrefixSEI  = 39
	hevcSuffixSEI  = 40
	hevcHeaderSize = 2
)

// hevcType returns nal_unit_type (ITU-T H.265 §7.3.1.2).
func hevcType(nalu []byte) byte { return nalu[0] >> 1 & 0x3f }

func isHEVCSet(t byte) bool { return t >= hevcVPS && t <= hevcPPS }

// hevcContents is what a first pass over an access unit finds.
type hevcContents struct {
	carried       [][]byte // NAL units to carry, without parameter sets
	sets          [][]byte // VPS, SPS and PPS, in order
	kinds         [3]bool  // VPS, SPS, PPS among sets
	coded         bool     // has slices
	irap, skipped bool
}

// surveyHEVC checks the framing of an access unit and says what is in it. NAL
// units of enhancement layers, and those of zero length, are passed over.
func surveyHEVC(data []byte, lengthSize int) (c hevcContents, err error) {
	count := 0
	for rest := data; len(rest) > 0; {
		var nalu []byte
		if nalu, rest, err = cutNALU(rest, lengthSize); err != nil {
			return hevcContents{}, err
		}
		if len(nalu) == 0 {
			continue
		}
		if len(nalu) < hevcHeaderSize {
			return hevcContents{}, corrupt("H.265 NAL unit of %d byte", len(nalu))
		}
		if count++; count > maxNALUs {
			return hevcContents{}, corrupt("more than %d NAL units", maxNALUs)
		}
		if layer := nalu[0]&1<<5 | nalu[1]>>3; layer == 0 {
			c.add(nalu)
		}
	}
	if count == 0 && len(data) > 0 {
		return hevcContents{}, corrupt("%d bytes without a NAL unit", len(data))
	}
	return c, nil
}

func (c *hevcContents) add(nalu []byte) {
	switch t := hevcType(nalu); {
	case isHEVCSet(t):
		c.sets = append(c.sets, nalu)
		c.kinds[t-hevcVPS] = true
	case t <= hevcLastVCL:
		c.coded = true
		c.irap = c.irap || t >= hevcFirstIRAP && t <= hevcLastIRAP
		c.skipped = c.skipped || t == hevcRASLN || t == hevcRASLR
		c.carried = append(c.carried, nalu)
	case t == hevcPrefixSEI || t == hevcSuffixSEI:
		c.carried = append(c.carried, nalu)
	default: // delimiters, ends, filler, and types 48 up, which mean something else in RTP
	}
}
