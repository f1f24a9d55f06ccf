package depacketize

// hevcSequence is what Sluice wants to know from a sequence parameter set of H.265.
type hevcSequence struct {
	id                   uint32
	profile, tier, level uint8
	width, height        int // luma samples, after cropping
	bitDepth             int // of luma
	reorderFrames        int
}

// maxHEVCSide is the longest side of a picture in luma samples: sqrt(8 ×
// MaxLumaPs) at level 6.2 (ITU-T H.265 §A.4.1).
const maxHEVCSide = 16888

// parseHEVCSPS reads a sequence parameter set NAL unit up to the reordering.
// The frame rate, which comes behind all reference picture sets, is measured
// instead.
//
// Specification: ITU-T H.265 §7.3.2.2.1, §7.4.3.2.1.
func parseHEVCSPS(nalu []byte) (hevcSequence, error) {
	r := &bitReader{data: unescape(nalu)}
	var s hevcSequence
	layers := s.readHead(r)
	chroma := r.ue("chroma_format_idc", 3)
	if chroma == 3 {
		r.skip(1) // separate_colour_plane_flag
	}
	width := r.ue("pic_width_in_luma_samples", maxHEVCSide)
	height := r.ue("pic_height_in_luma_samples", maxHEVCSide)
	if r.flag() { // conformance_window_flag
		unitX, unitY := uint32(1), uint32(1)
		if chroma == 1 || chroma == 2 {
			unitX = 2
		}
		if chroma == 1 {
			unitY = 2
		}
		width = crop(r, width, unitX)
		height = crop(r, height, unitY)
	}
	if r.err == nil && (width == 0 || height == 0) {
		r.fail("picture of %d × %d samples", width, height)
	}
	s.width, s.height = int(width), int(height)
	s.bitDepth = 8 + int(r.ue("bit_depth_luma_minus8", 8))
	r.ue("bit_depth_chroma_minus8", 8)
	r.ue("log2_max_pic_order_cnt_lsb_minus4", 12)
	first := layers - 1 // described alone, for all
	if r.flag() {       // sps_sub_layer_ordering_info_present_flag
		first = 0
	}
	for range layers - first {
		r.ue("sps_max_dec_pic_buffering_minus1", 15)
		s.reorderFrames = int(r.ue("sps_max_num_reorder_pics", 15)) // the last is that of all layers
		r.ue("sps_max_latency_increase_plus1", noLimit)
	}
	return s, r.err
}

// readHead reads from the NAL unit header to sps_seq_parameter_set_id and
// returns the number of temporal sub-layers.
func (s *hevcSequence) readHead(r *bitReader) int {
	r.skip(16 + 4) // header, sps_video_parameter_set_id
	more := int(r.u(3))
	if more > 6 {
		r.fail("sps_max_sub_layers_minus1 is %d, at most 6 makes sense", more)
	}
	r.skip(1) // sps_temporal_id_nesting_flag
	s.readProfile(r, more)
	s.id = r.ue("sps_seq_parameter_set_id", 15)
	return more + 1
}

// readProfile reads profile_tier_level (ITU-T H.265 §7.3.3).
func (s *hevcSequence) readProfile(r *bitReader, more int) {
	r.skip(2) // general_profile_space
	s.tier = uint8(r.u(1))
	s.profile = uint8(r.u(5))
	r.skip(32 + 48) // compatibility and constraint flags
	s.level = uint8(r.u(8))
	if more == 0 {
		return
	}
	var size int
	for i := range 8 {
		profile, level := r.flag(), r.flag() // from number more on reserved bits
		if i < more && profile {
			size += 88
		}
		if i < more && level {
			size += 8
		}
	}
	r.skip(size)
}

// hevcVPSID returns vps_video_parameter_set_id (ITU-T H.265 §7.3.2.1).
func hevcVPSID(nalu []byte) (uint32, error) {
	r := bitReader{data: nalu}
	r.skip(16)
	return r.u(4), r.err
}

// hevcSPSID returns sps_seq_parameter_set_id.
func hevcSPSID(nalu []byte) (uint32, error) {
	r := &bitReader{data: unescape(nalu[:min(len(nalu), 160)])} // 7 sub-layers have 103 bytes
	var s hevcSequence
	s.readHead(r)
	return s.id, r.err
}

// hevcPPSID returns pps_pic_parameter_set_id (ITU-T H.265 §7.3.2.3.1).
func hevcPPSID(nalu []byte) (uint32, error) {
	r := bitReader{data: unescape(nalu[:min(len(nalu), 16)])}
	r.skip(16)
	id := r.ue("pps_pic_parameter_set_id", 63)
	return id, r.err
}
