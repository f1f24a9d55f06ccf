package depacketize

import (
	"bytes"
	"time"

	"github.com/sluice-media/sluice/media"
)

// maxAACFrame is the largest frame taken. A channel has 6144 bits at most (ISO/IEC
// 14496-3 §4.5.3.1), eight have 6144 bytes; ADTS cannot hold more than 8191.
const maxAACFrame = 8191

// aacStream turns the AAC packets of a publication into audio frames.
type aacStream struct {
	config *media.AudioConfig // nil: none came yet
}

// configure takes an AudioSpecificConfig. One that cannot be read leaves the
// last in force.
func (s *aacStream) configure(asc []byte) error {
	if s.config != nil && bytes.Equal(s.config.ASC, asc) {
		return nil
	}
	config, err := parseASC(asc)
	if err != nil {
		return err
	}
	s.config = config
	return nil
}

// frame returns the audio frame in a raw AAC packet without its time, or nil
// if it is empty: ffmpeg ends a stream with an empty packet, others send them
// for silence.
func (s *aacStream) frame(data []byte) (*media.AudioFrame, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if s.config == nil {
		return nil, corrupt("AAC frame before the AudioSpecificConfig")
	}
	if len(data) > maxAACFrame {
		return nil, corrupt("AAC frame of %d bytes, at most %d make sense", len(data), maxAACFrame)
	}
	return &media.AudioFrame{
		Codec:    media.AAC,
		Duration: time.Duration(s.config.FrameSamples) * time.Second / time.Duration(s.config.SampleRate),
		Data:     data,
		Config:   s.config,
	}, nil
}
