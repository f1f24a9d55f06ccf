package depacketize

// noLimit is the highest value an Exp-Golomb code can have.
const noLimit = 1<<32 - 2

// readVUI reads the video usability information for the frame rate and the
// reorder depth, and stops where it cannot be read.
//
// Specification: ITU-T H.264 §E.1.1, §E.2.1.
func (s *sps) readVUI(r *bitReader) {
	skipDisplayInfo(r)
	if r.flag() { // timing_info_present_flag
		unitsInTick, timeScale := r.u(32), r.u(32)
		r.skip(1) // fixed_frame_rate_flag
		if unitsInTick > 0 && r.err == nil {
			s.frameRate = float64(timeScale) / (2 * float64(unitsInTick)) // a tick is a field
		}
	}
	nalHRD := r.flag()
	if nalHRD {
		skipHRD(r)
	}
	vclHRD := r.flag()
	if vclHRD {
		skipHRD(r)
	}
	if nalHRD || vclHRD {
		r.skip(1) // low_delay_hrd_flag
	}
	r.skip(1)     // pic_struct_present_flag
	if r.flag() { // bitstream_restriction_flag
		r.skip(1) // motion_vectors_over_pic_boundaries_flag
		r.ue("max_bytes_per_pic_denom", noLimit)
		r.ue("max_bits_per_mb_denom", noLimit)
		r.ue("log2_max_mv_length_horizontal", noLimit)
		r.ue("log2_max_mv_length_vertical", noLimit)
		reorder := r.ue("max_num_reorder_frames", 16) // MaxDpbFrames (§A.3.1)
		if r.err == nil {
			s.reorderFrames = int(reorder)
		}
	}
}

// skipDisplayInfo reads over what concerns the display alone.
func skipDisplayInfo(r *bitReader) {
	if r.flag() && r.u(8) == 255 { // aspect_ratio_idc Extended_SAR
		r.skip(32)
	}
	if r.flag() { // overscan_info_present_flag
		r.skip(1)
	}
	if r.flag() { // video_signal_type_present_flag
		r.skip(4)
		if r.flag() { // colour_description_present_flag
			r.skip(24)
		}
	}
	if r.flag() { // chroma_loc_info_present_flag
		r.ue("chroma_sample_loc_type_top_field", noLimit)
		r.ue("chroma_sample_loc_type_bottom_field", noLimit)
	}
}

// skipHRD reads over hypothetical reference decoder parameters (ITU-T H.264
// §E.1.2).
func skipHRD(r *bitReader) {
	count := r.ue("cpb_cnt_minus1", 31) + 1
	r.skip(4 + 4)
	for range count {
		r.ue("bit_rate_value_minus1", noLimit)
		r.ue("cpb_size_value_minus1", noLimit)
		r.skip(1)
	}
	r.skip(5 + 5 + 5 + 5)
}
