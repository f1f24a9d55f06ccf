package depacketize

// sps is what Sluice wants to know from a sequence parameter set.
type sps struct {
	width, height int     // luma samples, after cropping
	frameRate     float64 // 0: not said
	reorderFrames int     // -1: not said
}

// The largest picture, in macroblocks (ITU-T H.264 table A-1, level 6.2):
// MaxFS, and the square root of 8 × MaxFS for each side (§A.3.1).
const (
	maxMacroblocks     = 139264
	maxSideMacroblocks = 1055
)

// parseSPS reads a sequence parameter set NAL unit. A VUI that cannot be read
// to its end counts as far as it was read: pictures decode without it, and
// encoders do get it wrong.
//
// Specification: ITU-T H.264 §7.3.2.1.1 (seq_parameter_set_data), §7.4.2.1.1.
func parseSPS(nalu []byte) (sps, error) {
	r := &bitReader{data: unescape(nalu)}
	r.skip(8)
	profile, constraints := r.u(8), r.u(8)
	r.skip(8) // level_idc
	r.ue("seq_parameter_set_id", 31)
	chroma := uint32(1) // 4:2:0
	if hasChromaFormat(profile) {
		chroma = readChromaFormat(r)
	}
	r.ue("log2_max_frame_num_minus4", 12)
	pocType := readPOCType(r)
	r.ue("max_num_ref_frames", 16)
	r.skip(1) // gaps_in_frame_num_value_allowed_flag

	s := sps{reorderFrames: impliedReorder(profile, constraints, pocType)}
	s.readSize(r, chroma)
	if r.err != nil {
		return sps{}, r.err
	}
	if r.flag() {
		s.readVUI(r)
	}
	return s, nil
}

// hasChromaFormat says whether an SPS of a profile has the fields from
// chroma_format_idc on (ITU-T H.264 §7.3.2.1.1).
func hasChromaFormat(profile uint32) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	default:
		return false
	}
}

// readChromaFormat reads chroma_format_idc, which it returns, to the scaling
// lists.
func readChromaFormat(r *bitReader) uint32 {
	format, lists := r.ue("chroma_format_idc", 3), 8
	if format == 3 {
		lists = 12
		r.skip(1) // separate_colour_plane_flag: cropping is that of 4:4:4
	}
	r.ue("bit_depth_luma_minus8", 6)
	r.ue("bit_depth_chroma_minus8", 6)
	r.skip(1)     // qpprime_y_zero_transform_bypass_flag
	if r.flag() { // seq_scaling_matrix_present_flag
		for i := range lists {
			if r.flag() {
				skipScalingList(r, i)
			}
		}
	}
	return format
}

// skipScalingList reads over scaling list i (ITU-T H.264 §7.3.2.1.1.1).
func skipScalingList(r *bitReader, i int) {
	size := 16
	if i >= 6 {
		size = 64
	}
	last, next := int32(8), int32(8)
	for range size {
		if next != 0 {
			next = (last + r.se("delta_scale")) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}

// readPOCType reads pic_order_cnt_type and the fields that belong to it.
func readPOCType(r *bitReader) uint32 {
	pocType := r.ue("pic_order_cnt_type", 2)
	switch pocType {
	case 0:
		r.ue("log2_max_pic_order_cnt_lsb_minus4", 12)
	case 1:
		r.skip(1) // delta_pic_order_always_zero_flag
		r.se("offset_for_non_ref_pic")
		r.se("offset_for_top_to_bottom_field")
		for range r.ue("num_ref_frames_in_pic_order_cnt_cycle", 255) {
			r.se("offset_for_ref_frame")
		}
	}
	return pocType
}

// impliedReorder returns max_num_reorder_frames where the VUI has none:
//   - 0 with pic_order_cnt_type 2, whose output order is the decoding order
//     (ITU-T H.264 §8.2.1.3);
//   - 0 for intra-only profiles, by profile_idc 44, 86, 100, 110, 122 or 244
//     with constraint_set3_flag (§E.2.1);
//   - 0 for the Baseline profile, by profile_idc 66 or constraint_set0_flag:
//     it has no B slices (§A.2.1);
//   - else -1: anything up to the size of the picture buffer.
func impliedReorder(profile, constraints, pocType uint32) int {
	if pocType == 2 || profile == 66 || constraints&0x80 != 0 {
		return 0
	}
	switch profile {
	case 44, 86, 100, 110, 122, 244:
		if constraints&0x10 != 0 {
			return 0
		}
	}
	return -1
}

// readSize reads from pic_width_in_mbs_minus1 to the cropping rectangle (ITU-T
// H.264 §7.4.2.1.1, equations 7-13 to 7-22).
func (s *sps) readSize(r *bitReader, chroma uint32) {
	columns := r.ue("pic_width_in_mbs_minus1", maxSideMacroblocks-1) + 1
	rows := r.ue("pic_height_in_map_units_minus1", maxSideMacroblocks-1) + 1
	perFrame := uint32(1) // fields
	if !r.flag() {        // frame_mbs_only_flag
		perFrame = 2
		r.skip(1) // mb_adaptive_frame_field_flag
	}
	r.skip(1) // direct_8x8_inference_flag
	rows *= perFrame
	if columns*rows > maxMacroblocks {
		r.fail("picture of %d × %d macroblocks", columns, rows)
	}
	width, height := columns*16, rows*16
	if r.flag() { // frame_cropping_flag
		unitX, unitY := uint32(1), perFrame
		if chroma == 1 || chroma == 2 {
			unitX = 2
		}
		if chroma == 1 {
			unitY *= 2
		}
		width = crop(r, width, unitX)
		height = crop(r, height, unitY)
	}
	s.width, s.height = int(width), int(height)
}

// crop reads two opposite crop offsets, in units, and takes them off size.
func crop(r *bitReader, size, unit uint32) uint32 {
	cut := (r.ue("frame_crop_offset", size) + r.ue("frame_crop_offset", size)) * unit
	if cut >= size {
		r.fail("%d of %d samples cropped", cut, size)
		return 0
	}
	return size - cut
}

// unescape returns a NAL unit without its emulation prevention bytes (ITU-T
// H.264 §7.3.1).
func unescape(nalu []byte) []byte {
	out := make([]byte, 0, len(nalu))
	zeros := 0
	for _, b := range nalu {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}
