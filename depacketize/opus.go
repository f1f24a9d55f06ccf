package depacketize

import (
	"bytes"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/media"
)

// maxOpusPacket is the largest packet taken: 120 ms in frames of 20 ms
// (RFC 6716 §3.4, R2: 1275 bytes each).
const maxOpusPacket = 6*1276 + 64

// opusStream turns the Opus packets of a publication into audio frames.
type opusStream struct {
	head   []byte             // the OpusHead in force
	config *media.AudioConfig // nil: none came yet
}

// configure takes an OpusHead (RFC 7845 §5.1). WebRTC's Opus has one or two
// channels (RFC 7587 §4): the coupled streams of surround sound do not fit in.
func (s *opusStream) configure(head []byte) error {
	if bytes.Equal(s.head, head) && s.config != nil {
		return nil
	}
	if len(head) < 19 || string(head[:8]) != "OpusHead" {
		return corrupt("Opus configuration of %d bytes is no OpusHead", len(head))
	}
	channels, family := int(head[9]), head[18]
	if head[8]>>4 != 0 || channels == 0 {
		return corrupt("OpusHead version %d with %d channels", head[8], channels)
	}
	if channels > 2 || family != 0 {
		return unsupported(fmt.Sprintf("Opus with %d channels (mapping family %d); send stereo", channels, family))
	}
	s.head = bytes.Clone(head)
	s.config = &media.AudioConfig{SampleRate: media.OpusRate, Channels: channels}
	return nil
}

// frame implements audioStream.
func (s *opusStream) frame(data []byte) (*media.AudioFrame, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if s.config == nil {
		return nil, corrupt("Opus packet before the OpusHead")
	}
	samples := media.OpusSamples(data)
	if samples == 0 || samples > media.OpusMost || len(data) > maxOpusPacket {
		return nil, corrupt("Opus packet of %d bytes and %d samples", len(data), samples)
	}
	return &media.AudioFrame{
		Codec:    media.Opus,
		Duration: time.Duration(samples) * time.Second / media.OpusRate,
		Data:     data,
		Config:   s.config,
	}, nil
}
