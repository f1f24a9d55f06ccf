package transcode

import "github.com/sluice-media/sluice/media"

// Reasons for which a frame is not encoded; label values of
// sluice_transcode_dropped_frames_total. Frames that nobody hears or sees are
// not counted.
const (
	DropStarting = "starting"  // no process yet, or none again after a death
	DropLimit    = "limit"     // Config.MaxProcesses is reached
	DropFailed   = "failed"    // given up after repeated deaths, until the next attempt
	DropPipeFull = "pipe_full" // ffmpeg did not take it within 5 ms
	DropDead     = "dead"      // the process has just died
	DropOverload = "overload"  // of video: ffmpeg is too slow to encode all pictures
	DropInvalid  = "invalid"   // empty, too long, or without a usable configuration
)

const (
	// maxChannelBytes is the most that a raw data block may take for one
	// channel, 6144 bits (ISO/IEC 14496-3 §4.5.3.1). It also keeps frames of
	// up to 4 channels within smallPipe.
	maxChannelBytes = 6144 / 8

	maxChannels = 8 // of channelConfiguration 7

	// maxASC is the longest AudioSpecificConfig: one with a
	// program_config_element of 16 elements and its longest comment has 300
	// bytes.
	maxASC = 512

	// maxSampleRate is the highest of the sampling frequencies
	// (ISO/IEC 14496-3 §1.6.3.3).
	maxSampleRate = 96_000
)

// usable says whether a stream of this configuration can be given to ffmpeg.
func usable(f *media.AudioFrame) bool {
	c := f.Config
	return c != nil && c.SampleRate > 0 && c.SampleRate <= maxSampleRate && samples(f) > 0 &&
		(f.Codec == media.MP3 || len(c.ASC) > 0 && len(c.ASC) <= maxASC)
}

// maxFrame is the limit of an access unit. A mono core may carry parametric
// stereo; 0 channels are unknown ones. An MP3 frame has 1441 bytes at most.
func maxFrame(c *media.AudioConfig) int {
	n := c.Channels
	if n <= 0 {
		n = maxChannels
	}
	return maxChannelBytes * min(max(n, 2), maxChannels)
}

// pipeSize is the one that a stream needs.
func pipeSize(c *media.AudioConfig) int {
	if maxFrame(c) > 4*maxChannelBytes {
		return largePipe
	}
	return smallPipe
}
