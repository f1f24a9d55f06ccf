package depacketize

import "github.com/sluice-media/sluice/media"

// avcStream turns the AVC packets of a publication into access units.
type avcStream struct {
	lengthSize int                  // bytes in front of each NAL unit; 0: no record came yet
	sets       *media.ParameterSets // in force; nil: none
	synced     bool                 // an IDR was emitted and nothing was lost since
}

// configure takes an AVCDecoderConfigurationRecord. Its parameter sets replace
// all before; if it has none, they are expected in band.
func (s *avcStream) configure(record []byte) error {
	c, err := parseAVCConfig(record)
	if err != nil {
		return err
	}
	s.lengthSize = c.lengthSize
	if len(c.sets) == 0 {
		return nil
	}
	return s.update(nil, c.sets)
}

// update puts parameter sets into force beside those of base that have other
// ids.
func (s *avcStream) update(base *media.ParameterSets, sets [][]byte) error {
	next, err := mergeParameterSets(base, sets)
	if err != nil {
		return err
	}
	if s.sets == nil || !sameParameterSets(s.sets, next) {
		s.sets = next
	}
	return nil
}

// accessUnit returns the access unit in an AVC packet without its times, or
// nil if there is none to emit: before the first parameter sets, before the
// first IDR or the first one after a loss, or if it has no slices.
//
// An IDR is known by its NAL unit type: FLV's keyframe flag is also set on
// open GOPs, where decoding cannot begin without artifacts.
func (s *avcStream) accessUnit(data []byte) (*media.AccessUnit, error) {
	if s.lengthSize == 0 {
		return nil, nil
	}
	c, err := survey(data, s.lengthSize)
	if err != nil {
		return nil, err
	}
	before := s.sets
	if len(c.sets) > 0 {
		if err := s.inBand(c); err != nil {
			return nil, err
		}
	}
	if c.idr {
		s.synced = s.complete()
	}
	if !s.synced || !c.coded {
		return nil, nil
	}
	return &media.AccessUnit{
		Codec:         media.H264,
		NALUs:         s.collect(data, c, before != s.sets),
		IDR:           c.idr,
		ParameterSets: s.sets,
	}, nil
}

// inBand puts the parameter sets of an access unit into force. An IDR that has
// both kinds, as GStreamer and hardware encoders send them, has all there are;
// others add to and replace those in force.
func (s *avcStream) inBand(c contents) error {
	if c.idr && c.sps && c.pps {
		return s.update(nil, c.sets)
	}
	return s.update(s.sets, c.sets)
}

func (s *avcStream) lose() { s.synced = false }

func (s *avcStream) complete() bool {
	return s.sets != nil && len(s.sets.SPS) > 0 && len(s.sets.PPS) > 0
}

// collect returns the NAL units to carry. An IDR begins with the parameter
// sets in force; elsewhere the ones in band stay only if they change something.
func (s *avcStream) collect(data []byte, c contents, changed bool) [][]byte {
	var nalus [][]byte
	keepSets := changed && !c.idr
	if c.idr {
		nalus = make([][]byte, 0, len(s.sets.SPS)+len(s.sets.PPS)+c.carried)
		nalus = append(append(nalus, s.sets.SPS...), s.sets.PPS...)
	} else {
		nalus = make([][]byte, 0, len(c.sets)+c.carried)
	}
	for len(data) > 0 {
		var nalu []byte
		nalu, data, _ = cutNALU(data, s.lengthSize) // survey has checked it
		if len(nalu) == 0 {
			continue
		}
		t := naluType(nalu)
		if isSet := t == naluSPS || t == naluPPS; isSet && keepSets || !isSet && carried(t) {
			nalus = append(nalus, nalu)
		}
	}
	return nalus
}
