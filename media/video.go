package media

import "time"

// AccessUnit is one coded picture: an access unit of H.264 (ITU-T H.264
// §7.4.1.2.3) or H.265, a temporal unit of AV1, a frame of VP9.
type AccessUnit struct {
	Codec Codec

	// PTS and DTS are on the stream's media clock; PTS ≥ DTS.
	PTS, DTS time.Duration

	// NALUs are the units of the bitstream in decoding order, never empty:
	//   - H.264, H.265: NAL units without start codes or length prefixes,
	//     without access unit delimiters and filler data;
	//   - AV1: OBUs without size fields, without temporal delimiters, tile
	//     lists and padding;
	//   - VP9: the frame or superframe, one unit.
	// An IDR access unit begins with the parameter sets in force.
	NALUs [][]byte

	// IDR says that decoding can begin here: at an IDR picture of H.264, an
	// IRAP picture of H.265, a key frame of AV1 or VP9.
	IDR bool

	// Skipped says that the picture cannot be decoded if decoding began at the
	// last IDR, and that no later one needs it (RASL, ITU-T H.265 §3.112).
	Skipped bool

	// ParameterSets are the ones in force. The pointer is the same from one
	// access unit to the next until they change.
	ParameterSets *ParameterSets

	// Treatment is what has become of the publisher's pictures because browsers
	// could not have shown them; nil: they are as they came.
	Treatment *Treatment

	// Arrival is when the publisher's message had been read whole; of a
	// re-encoded picture, the message with which all that precede it in output
	// order were there.
	Arrival time.Time
}

// ParameterSets are the parameter sets of a video stream and what the first
// SPS, the sequence header of AV1 or the last key frame of VP9 says of the
// pictures.
type ParameterSets struct {
	// VPS is H.265's alone, SequenceHeader (an OBU without a size field) AV1's;
	// VP9 has none of these.
	VPS, SPS, PPS  [][]byte
	SequenceHeader []byte

	// ProfileLevelID is profile_idc, constraint flags, level_idc
	// (RFC 6184 §8.1); H.264 only.
	ProfileLevelID [3]byte

	// Profile, Tier and Level are general_profile_idc, general_tier_flag and
	// general_level_idc of H.265, seq_profile, seq_tier and seq_level_idx of
	// AV1; VP9 has but a profile, H.264 none of the three.
	Profile, Tier, Level uint8

	// BitDepth is that of luma samples; 0: not known.
	BitDepth int

	// Width and Height are in luma samples, after cropping.
	Width, Height int

	// FrameRate is the one the parameter sets announce, in frames a second; 0:
	// they do not say.
	FrameRate float64

	// ReorderFrames is how many pictures may precede another in decoding
	// order and follow it in output order (max_num_reorder_frames); -1: the
	// stream does not say. More than 0 means that the stream may hold B-frames.
	ReorderFrames int
}
