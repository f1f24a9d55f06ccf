package transcode

import "math/bits"

// NAL unit types (ITU-T H.264 table 7-1).
const (
	naluSlice     = 1
	naluPartition = 2
	naluIDR       = 5
	naluSEI       = 6
	naluSPS       = 7
	naluPPS       = 8
	naluDelimiter = 9
	naluFiller    = 12
)

func naluType(nalu []byte) byte { return nalu[0] & 0x1f }

// hasBSlice says whether the first slice of an H.264 access unit is a B slice.
//
// Specification: ITU-T H.264 §7.3.3, table 7-6.
func hasBSlice(nalus [][]byte) bool {
	for _, n := range nalus {
		switch naluType(n) {
		case naluIDR:
			return false
		case naluSlice, naluPartition:
			head := uint64(0) // what follows the NAL unit header; 8 bytes hold both fields
			for i := range 8 {
				head <<= 8
				if 1+i < len(n) {
					head |= uint64(n[1+i])
				}
			}
			_, used := expGolomb(head) // first_mb_in_slice
			sliceType, _ := expGolomb(head << used)
			return sliceType%5 == 1
		}
	}
	return false
}

// expGolomb reads an unsigned code (ITU-T H.264 §9.1) from the highest bits and
// returns how many it has. One that is longer than 31 bits comes out as 0.
func expGolomb(b uint64) (value uint64, used int) {
	zeros := bits.LeadingZeros64(b)
	used = 2*zeros + 1
	if used > 31 {
		return 0, 0
	}
	return b>>(64-used) - 1, used
}
