package transcode

import "bytes"

// splitAnnexB returns the NAL units of a byte stream that browsers need: all
// but delimiters, filler and SEI.
//
// Specification: ITU-T H.264 §B.1.1.
func splitAnnexB(stream []byte) (nalus [][]byte) {
	code := []byte{0, 0, 1}
	_, rest, found := bytes.Cut(stream, code)
	for found {
		var n []byte
		n, rest, found = bytes.Cut(rest, code)
		n = bytes.TrimRight(n, "\x00") // trailing_zero_8bits, or the zero_byte of the next
		if len(n) == 0 {
			continue
		}
		switch naluType(n) {
		case naluDelimiter, naluFiller, naluSEI:
		default:
			nalus = append(nalus, n[:len(n):len(n)])
		}
	}
	return nalus
}
