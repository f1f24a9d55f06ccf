package depacketize

import (
	"bytes"
	"slices"

	"github.com/sluice-media/sluice/media"
)

// maxParameterSets is how many bytes all parameter sets in force may have:
// they go out in front of every IDR. Encoders send 30 to 100; an SPS with all
// scaling lists and HRD parameters that there are has about 4,000.
const maxParameterSets = 16 << 10

// mergeParameterSets returns base (nil: none) with the given SPS and PPS NAL
// units put in place of those with the same id, or behind them. It copies what
// it keeps: sets outlive the messages they came in.
func mergeParameterSets(base *media.ParameterSets, sets [][]byte) (*media.ParameterSets, error) {
	next := &media.ParameterSets{}
	if base != nil {
		next.SPS, next.PPS = slices.Clone(base.SPS), slices.Clone(base.PPS)
	}
	var err error
	for _, s := range sets {
		if naluType(s) == naluSPS {
			next.SPS, err = putSet(next.SPS, s, spsID)
		} else {
			next.PPS, err = putSet(next.PPS, s, ppsID)
		}
		if err != nil {
			return nil, err
		}
	}
	if n := totalSize(next.SPS) + totalSize(next.PPS); n > maxParameterSets {
		return nil, corrupt("parameter sets of %d bytes, at most %d make sense", n, maxParameterSets)
	}
	return next, describe(next)
}

// putSet puts a parameter set in the place of the one with its id, or last.
func putSet(list [][]byte, set []byte, idOf func([]byte) (uint32, error)) ([][]byte, error) {
	id, err := idOf(set)
	if err != nil {
		return nil, err
	}
	set = bytes.Clone(set)
	for i, s := range list {
		if other, _ := idOf(s); other == id {
			list[i] = set
			return list, nil
		}
	}
	return append(list, set), nil
}

// describe fills in what the first SPS says, and checks that all can be read.
func describe(p *media.ParameterSets) error {
	for i, nalu := range p.SPS {
		s, err := parseSPS(nalu)
		if err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		p.ProfileLevelID = [3]byte(nalu[1:4])
		p.Width, p.Height = s.width, s.height
		p.FrameRate, p.ReorderFrames = s.frameRate, s.reorderFrames
	}
	return nil
}

// spsID returns seq_parameter_set_id (ITU-T H.264 §7.3.2.1.1).
func spsID(nalu []byte) (uint32, error) {
	r := bitReader{data: unescape(nalu[:min(len(nalu), 16)])}
	r.skip(8 + 24)
	id := r.ue("seq_parameter_set_id", 31)
	return id, r.err
}

// ppsID returns pic_parameter_set_id (ITU-T H.264 §7.3.2.2).
func ppsID(nalu []byte) (uint32, error) {
	r := bitReader{data: unescape(nalu[:min(len(nalu), 16)])}
	r.skip(8)
	id := r.ue("pic_parameter_set_id", 255)
	return id, r.err
}

func sameParameterSets(a, b *media.ParameterSets) bool {
	return slices.EqualFunc(a.VPS, b.VPS, bytes.Equal) && slices.EqualFunc(a.SPS, b.SPS, bytes.Equal) && slices.EqualFunc(a.PPS, b.PPS, bytes.Equal)
}

func totalSize(list [][]byte) (n int) {
	for _, b := range list {
		n += len(b)
	}
	return n
}
