package depacketize

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// mp3Stream turns the MP3 frames of a publication into audio frames. They need
// no configuration: each has a header.
//
// Specification: ISO/IEC 11172-3 §2.4.1.3, §2.4.2.3, with the lower rates of
// ISO/IEC 13818-3 and of MPEG 2.5.
type mp3Stream struct {
	config *media.AudioConfig // of the last frame; nil: none came yet
}

func (s *mp3Stream) configure([]byte) error { return nil }

// frame returns an audio frame of all MP3 frames in a packet, usually one.
func (s *mp3Stream) frame(data []byte) (*media.AudioFrame, error) {
	if len(data) == 0 {
		return nil, nil
	}
	first, err := parseMP3Header(data)
	if err != nil {
		return nil, err
	}
	samples := 0
	for rest := data; len(rest) > 0; {
		h, err := parseMP3Header(rest)
		if err != nil {
			return nil, err
		}
		if h.rate != first.rate || h.size > len(rest) {
			return nil, corrupt("MP3 frame of %d bytes at %d Hz where %d are left at %d Hz", h.size, h.rate, len(rest), first.rate)
		}
		samples += h.samples
		rest = rest[h.size:]
	}
	if s.config == nil || s.config.SampleRate != first.rate || s.config.Channels != first.channels {
		s.config = &media.AudioConfig{SampleRate: first.rate, Channels: first.channels}
	}
	return &media.AudioFrame{
		Codec:    media.MP3,
		Duration: time.Duration(samples) * time.Second / time.Duration(first.rate),
		Data:     data,
		Config:   s.config,
	}, nil
}

// mp3Header is what the four bytes in front of a frame say.
type mp3Header struct{ rate, channels, samples, size int }

func parseMP3Header(b []byte) (h mp3Header, err error) {
	if len(b) < 4 || b[0] != 0xff || b[1]>>5 != 7 {
		return h, corrupt("%d bytes are no MP3 frame", len(b))
	}
	version, layer, index := b[1]>>3&3, b[1]>>1&3, b[2]>>2&3
	kilobits := [2][16]int{
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0}, // MPEG 1
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},     // MPEG 2, 2.5
	}
	low := 0
	h.rate, h.samples = [4]int{44100, 48000, 32000, 0}[index], 1152
	if version != 3 {
		low, h.samples = 1, 576
		h.rate /= 2
	}
	if version == 0 { // MPEG 2.5
		h.rate /= 2
	}
	bitrate := kilobits[low][b[2]>>4] * 1000
	if version == 1 || layer != 1 || h.rate == 0 || bitrate == 0 {
		return h, corrupt("MP3 header % x", b[:4])
	}
	if h.channels = 2; b[3]>>6 == 3 {
		h.channels = 1
	}
	h.size = h.samples/8*bitrate/h.rate + int(b[2]>>1&1)
	return h, nil
}
