package depacketize

// readProgramConfig reads a program_config_element, which describes layouts
// that have no channel configuration number, and returns the number of
// channels. r must begin at the AudioSpecificConfig, to which it aligns.
//
// Specification: ISO/IEC 14496-3 §4.4.1.1.
func readProgramConfig(r *bitReader) int {
	r.skip(4 + 2 + 4) // element_instance_tag, object_type, sampling_frequency_index
	front, side, back := r.u(4), r.u(4), r.u(4)
	lfe, data, coupling := r.u(2), r.u(3), r.u(4)
	if r.flag() { // mono_mixdown_present
		r.skip(4)
	}
	if r.flag() { // stereo_mixdown_present
		r.skip(4)
	}
	if r.flag() { // matrix_mixdown_idx_present
		r.skip(2 + 1)
	}
	channels := int(lfe)
	for range front + side + back {
		channels++
		if r.flag() { // a channel pair
			channels++
		}
		r.skip(4) // element tag
	}
	r.skip(int(lfe)*4 + int(data)*4 + int(coupling)*5)
	r.skip(-r.pos & 7)      // byte_alignment
	r.skip(int(r.u(8)) * 8) // comment
	if channels == 0 {
		r.fail("program config element without channels")
	}
	return channels
}
