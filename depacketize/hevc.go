package depacketize

import "github.com/sluice-media/sluice/media"

// hevcStream turns the HEVC packets of a publication into access units, by the
// rules of avcStream.
type hevcStream struct {
	lengthSize int                  // bytes in front of each NAL unit; 0: no record came yet
	sets       *media.ParameterSets // in force; nil: none
	synced     bool                 // an IRAP picture was emitted and nothing was lost since
	began      bool                 // it was the first: its RASL pictures cannot be decoded
}

// configure takes an HEVCDecoderConfigurationRecord.
func (s *hevcStream) configure(record []byte) error {
	lengthSize, sets, err := parseHEVCConfig(record)
	if err != nil {
		return err
	}
	s.lengthSize = lengthSize
	if len(sets) == 0 {
		return nil
	}
	return s.update(nil, sets)
}

// update puts parameter sets into force beside those of base that have other
// ids.
func (s *hevcStream) update(base *media.ParameterSets, sets [][]byte) error {
	next, err := mergeHEVCSets(base, sets)
	if err != nil {
		return err
	}
	if s.sets == nil || !sameParameterSets(s.sets, next) {
		s.sets = next
	}
	return nil
}

// accessUnit implements videoStream. Decoding begins at any IRAP picture: IDR,
// BLA or CRA. The RASL pictures that follow one refer to pictures before it
// (ITU-T H.265 §8.1.3); behind the first they are left out.
func (s *hevcStream) accessUnit(data []byte) (*media.AccessUnit, error) {
	if s.lengthSize == 0 {
		return nil, nil
	}
	c, err := surveyHEVC(data, s.lengthSize)
	if err != nil {
		return nil, err
	}
	before := s.sets
	if len(c.sets) > 0 {
		base := s.sets
		if c.irap && c.kinds == [3]bool{true, true, true} {
			base = nil
		}
		if err := s.update(base, c.sets); err != nil {
			return nil, err
		}
	}
	if c.irap {
		s.began = !s.synced
		s.synced = s.complete()
	}
	if !s.synced || !c.coded || c.skipped && s.began {
		return nil, nil
	}
	au := &media.AccessUnit{Codec: media.H265, IDR: c.irap, Skipped: c.skipped, ParameterSets: s.sets}
	switch {
	case c.irap:
		au.NALUs = append(append(append(au.NALUs, s.sets.VPS...), s.sets.SPS...), s.sets.PPS...)
	case before != s.sets:
		au.NALUs = append(au.NALUs, c.sets...)
	}
	au.NALUs = append(au.NALUs, c.carried...)
	return au, nil
}

func (s *hevcStream) complete() bool {
	return s.sets != nil && len(s.sets.VPS) > 0 && len(s.sets.SPS) > 0 && len(s.sets.PPS) > 0
}

func (s *hevcStream) lose() { s.synced = false }
