package media

import "time"

// AudioFrame is one coded audio frame.
type AudioFrame struct {
	Codec Codec

	// PTS is the time of the first sample on the stream's media clock, and
	// Duration that of all its samples.
	PTS, Duration time.Duration

	// Skew is how far the publisher's clock is ahead of PTS. A stage that
	// counts samples (steps of exactly Duration, so that receivers see no
	// jitter) puts the slow drift of the publisher's timestamps here; it
	// belongs into the sender reports alone, never into RTP timestamps.
	Skew time.Duration

	// Data is one raw AAC access unit (no ADTS header), MP3 frames or one Opus
	// packet.
	Data []byte

	// Config is the one in force. The pointer is the same from one frame to
	// the next until the configuration changes.
	Config *AudioConfig

	// Arrival is when the publisher's message that completed this frame had
	// been read whole.
	Arrival time.Time
}

// AudioConfig describes an audio stream.
type AudioConfig struct {
	// SampleRate is the output rate in Hz: for HE-AAC that of the decoder's
	// output, twice the core's.
	SampleRate int

	// Channels is 1 to 8 (parametric stereo counts as 2); 0: the stream
	// describes its layout in band (ISO/IEC 14496-3 program_config_element).
	Channels int

	// FrameSamples is the number of samples at SampleRate in one frame,
	// 1024 or 2048 for AAC; 0: frames vary, as those of MP3 and Opus.
	FrameSamples int

	// Profile is the usual name of the coding tools, such as "LC", "HE",
	// "HEv2"; empty where there is none.
	Profile string

	// ASC is the AudioSpecificConfig as the publisher sent it
	// (ISO/IEC 14496-3 §1.6.2.1), for AAC only.
	ASC []byte
}
