package depacketize

import (
	"slices"

	"github.com/sluice-media/sluice/media"
)

// parseHEVCConfig reads an HEVCDecoderConfigurationRecord: the bytes in front
// of each NAL unit (1, 2 or 4), and the parameter sets. Profile and level are
// also in the SPS, which is the truth; SEI in it is left out.
//
// Specification: ISO/IEC 14496-15 §8.3.3.1.2.
func parseHEVCConfig(b []byte) (lengthSize int, sets [][]byte, err error) {
	const fixed = 23
	if len(b) < fixed {
		return 0, nil, corrupt("HEVC configuration of %d bytes", len(b))
	}
	if b[0] > 1 { // 0 is what encoders wrote before the format was settled
		return 0, nil, corrupt("HEVC configuration version %d", b[0])
	}
	lengthSize = int(b[21]&3) + 1
	if lengthSize == 3 {
		return 0, nil, corrupt("HEVC configuration with NAL unit lengths of 3 bytes")
	}
	arrays, rest := int(b[22]), b[fixed:]
	for range arrays {
		if len(rest) < 3 {
			return 0, nil, corrupt("HEVC configuration ends before its last array")
		}
		kind, n := rest[0]&0x3f, int(rest[1])<<8|int(rest[2])
		rest = rest[3:]
		for range n {
			var nalu []byte
			if nalu, rest, err = cutNALU(rest, 2); err != nil {
				return 0, nil, err
			}
			if len(nalu) < hevcHeaderSize || hevcType(nalu) != kind {
				return 0, nil, corrupt("HEVC configuration with something else in place of NAL unit type %d", kind)
			}
			if isHEVCSet(kind) {
				sets = append(sets, nalu)
			}
		}
	}
	return lengthSize, sets, nil
}

// mergeHEVCSets is mergeParameterSets for H.265.
func mergeHEVCSets(base *media.ParameterSets, sets [][]byte) (*media.ParameterSets, error) {
	next := &media.ParameterSets{}
	if base != nil {
		next.VPS, next.SPS, next.PPS = slices.Clone(base.VPS), slices.Clone(base.SPS), slices.Clone(base.PPS)
	}
	var err error
	for _, s := range sets {
		switch hevcType(s) {
		case hevcVPS:
			next.VPS, err = putSet(next.VPS, s, hevcVPSID)
		case hevcSPS:
			next.SPS, err = putSet(next.SPS, s, hevcSPSID)
		default:
			next.PPS, err = putSet(next.PPS, s, hevcPPSID)
		}
		if err != nil {
			return nil, err
		}
	}
	if n := totalSize(next.VPS) + totalSize(next.SPS) + totalSize(next.PPS); n > maxParameterSets {
		return nil, corrupt("parameter sets of %d bytes, at most %d make sense", n, maxParameterSets)
	}
	return next, describeHEVC(next)
}

// describeHEVC fills in what the first SPS says, and checks that all can be
// read.
func describeHEVC(p *media.ParameterSets) error {
	for i, nalu := range p.SPS {
		s, err := parseHEVCSPS(nalu)
		if err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		p.Profile, p.Tier, p.Level = s.profile, s.tier, s.level
		p.Width, p.Height, p.BitDepth = s.width, s.height, s.bitDepth
		p.ReorderFrames = s.reorderFrames
	}
	return nil
}
