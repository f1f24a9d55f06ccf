package media

import "time"

// AccessUnit is one coded picture (ITU-T H.264 §7.4.1.2.3).
type AccessUnit struct {
	Codec Codec

	// PTS and DTS are on the stream's media clock; PTS ≥ DTS.
	PTS, DTS time.Duration

	// NALUs are the NAL units in decoding order, without start codes or length
	// prefixes, never empty, without access unit delimiters and filler data.
	// An IDR access unit begins with the parameter sets in force.
	NALUs [][]byte

	// IDR says that decoding can begin here.
	IDR bool

	// ParameterSets are the ones in force. The pointer is the same from one
	// access unit to the next until they change.
	ParameterSets *ParameterSets

	// Arrival is when the publisher's message had been read whole.
	Arrival time.Time
}

// ParameterSets are the parameter sets of an H.264 stream and what the first
// SPS says of the pictures.
type ParameterSets struct {
	SPS, PPS [][]byte

	// ProfileLevelID is profile_idc, constraint flags, level_idc
	// (RFC 6184 §8.1).
	ProfileLevelID [3]byte

	// Width and Height are in luma samples, after cropping.
	Width, Height int

	// FrameRate is the one the VUI announces, in frames a second; 0: it does
	// not say.
	FrameRate float64

	// ReorderFrames is how many pictures may precede another in decoding
	// order and follow it in output order (max_num_reorder_frames); -1: the
	// SPS does not say. More than 0 means that the stream may hold B-frames.
	ReorderFrames int
}
