package depacketize

import (
	"bytes"

	"github.com/sluice-media/sluice/media"
)

// av1Stream turns the AV1 packets of a publication into temporal units.
type av1Stream struct {
	sets   *media.ParameterSets // in force; nil: none
	header av1Sequence          // of sets
	synced bool                 // a key frame was emitted and nothing was lost since
}

// configure takes an AV1CodecConfigurationRecord (AV1 in ISOBMFF §2.3). Its
// sequence header is for key frames that have none of their own.
func (s *av1Stream) configure(record []byte) error {
	if len(record) < 4 {
		return corrupt("AV1 configuration of %d bytes", len(record))
	}
	if record[0] != 0x81 { // marker, version 1
		return corrupt("AV1 configuration version 0x%02x", record[0])
	}
	obus, err := cutOBUs(record[4:])
	if err != nil {
		return err
	}
	for _, o := range obus {
		if obuType(o) == obuSequenceHeader {
			return s.update(o)
		}
	}
	return nil
}

// update puts a sequence header OBU into force.
func (s *av1Stream) update(obu []byte) error {
	if s.sets != nil && bytes.Equal(s.sets.SequenceHeader, obu) {
		return nil
	}
	if len(obu) > maxParameterSets {
		return corrupt("sequence header of %d bytes, at most %d make sense", len(obu), maxParameterSets)
	}
	h, err := parseAV1Sequence(obuPayload(obu))
	if err != nil {
		return err
	}
	s.header = h
	s.sets = &media.ParameterSets{
		SequenceHeader: bytes.Clone(obu), Profile: h.profile, Tier: h.tier, Level: h.level,
		Width: h.width, Height: h.height, FrameRate: h.frameRate,
	}
	return nil
}

// accessUnit implements videoStream. Decoding begins at a shown key frame, in
// front of which there is a sequence header (AV1 §7.6.1).
func (s *av1Stream) accessUnit(data []byte) (*media.AccessUnit, error) {
	obus, err := cutOBUs(data)
	if err != nil {
		return nil, err
	}
	carried, coded, key := obus[:0], false, false
	var changed []byte // sequence header before something else than a key frame
	for _, o := range obus {
		switch obuType(o) {
		case obuSequenceHeader:
			before := s.sets
			if err := s.update(o); err != nil {
				return nil, err
			}
			if before != s.sets {
				changed = s.sets.SequenceHeader
			}
			continue
		case obuFrame, obuFrameHeader:
			if !coded {
				key = isAV1Key(obuPayload(o), s.header.reduced)
			}
			coded = true
		}
		carried = append(carried, o)
	}
	if key {
		s.synced = s.sets != nil
	}
	if !s.synced || !coded {
		return nil, nil
	}
	au := &media.AccessUnit{Codec: media.AV1, IDR: key, ParameterSets: s.sets}
	switch {
	case key:
		au.NALUs = append(au.NALUs, s.sets.SequenceHeader)
	case changed != nil:
		au.NALUs = append(au.NALUs, changed)
	}
	au.NALUs = append(au.NALUs, carried...)
	return au, nil
}

func (s *av1Stream) lose() { s.synced = false }

// isAV1Key says whether a frame header is that of a shown key frame.
//
// Specification: AV1 §5.9.2 (uncompressed_header).
func isAV1Key(header []byte, reduced bool) bool {
	if reduced { // still pictures: key frames all
		return true
	}
	r := &bitReader{data: header}
	showExisting, frameType, show := r.flag(), r.u(2), r.flag()
	return r.err == nil && !showExisting && frameType == 0 && show
}

// av1Sequence is what Sluice wants to know from a sequence header.
type av1Sequence struct {
	profile, tier, level uint8 // of the first operating point
	reduced              bool  // reduced_still_picture_header
	width, height        int   // pixels
	frameRate            float64
}

// parseAV1Sequence reads a sequence header up to the size of its pictures.
//
// Specification: AV1 §5.5.1.
func parseAV1Sequence(b []byte) (av1Sequence, error) {
	r := &bitReader{data: b}
	var s av1Sequence
	s.profile = uint8(r.u(3))
	r.skip(1) // still_picture
	if s.reduced = r.flag(); s.reduced {
		s.level = uint8(r.u(5))
	} else {
		s.readOperatingPoints(r)
	}
	widthBits, heightBits := int(r.u(4))+1, int(r.u(4))+1
	s.width, s.height = int(r.u(widthBits))+1, int(r.u(heightBits))+1
	if r.err == nil && s.profile > 2 {
		r.fail("seq_profile %d", s.profile)
	}
	return s, r.err
}

// readOperatingPoints reads from timing_info_present_flag to the last operating
// point.
func (s *av1Sequence) readOperatingPoints(r *bitReader) {
	delayBits := 0
	if r.flag() { // timing_info_present_flag
		units, scale := r.u(32), r.u(32) // num_units_in_display_tick, time_scale
		if r.flag() {                    // equal_picture_interval
			ticks := r.ue("num_ticks_per_picture_minus_1", noLimit) + 1 // uvlc is Exp-Golomb
			if units > 0 && ticks > 0 {
				s.frameRate = float64(scale) / float64(units) / float64(ticks)
			}
		}
		if r.flag() { // decoder_model_info_present_flag
			delayBits = int(r.u(5)) + 1
			r.skip(32 + 5 + 5)
		}
	}
	displayDelay := r.flag() // initial_display_delay_present_flag
	for i := range int(r.u(5)) + 1 {
		r.skip(12) // operating_point_idc
		level, tier := uint8(r.u(5)), uint8(0)
		if level > 7 {
			tier = uint8(r.u(1))
		}
		if i == 0 {
			s.level, s.tier = level, tier
		}
		if delayBits > 0 && r.flag() { // decoder_model_present_for_this_op
			r.skip(2*delayBits + 1)
		}
		if displayDelay && r.flag() {
			r.skip(4)
		}
	}
}
