package mediatest

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// AudioStream describes a synthetic audio stream.
type AudioStream struct {
	Start    time.Duration // PTS of the first frame
	Epoch    time.Time     // Arrival is Epoch + (PTS − Start)
	Sequence int           // number of the first frame, to go on where another call ended
	Size     int           // bytes of an Opus packet; 0: 160 (64 kbit/s)
}

// Opus returns n packets of 20 ms.
func Opus(n int) []*media.AudioFrame { return AudioStream{}.Opus(n) }

// AAC returns n frames of silence: LC, 48 kHz, stereo.
func AAC(n int) []*media.AudioFrame { return AudioStream{}.AAC(n) }

// Opus returns the next n packets: one CELT frame each, full band, 20 ms,
// stereo (RFC 6716 §3.1: TOC byte 0xfc). All share one Config.
func (s AudioStream) Opus(n int) []*media.AudioFrame {
	config := &media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 960}
	size := or(s.Size, 160)
	return s.frames(n, media.Opus, config, func(i int) []byte {
		data := make([]byte, size)
		data[0] = 0xfc
		for k := 1; k < size; k++ {
			data[k] = byte(k*7 + i*13)
		}
		return data
	})
}

// AAC returns the next n frames: silence that any decoder decodes, LC, 48 kHz,
// stereo, with the 5-byte configuration that OBS and ffmpeg send. All share
// one Config.
func (s AudioStream) AAC(n int) []*media.AudioFrame {
	config := &media.AudioConfig{
		SampleRate: 48000, Channels: 2, FrameSamples: 1024, Profile: "LC",
		ASC: []byte{0x11, 0x90, 0x56, 0xe5, 0x00},
	}
	return s.frames(n, media.AAC, config, func(int) []byte {
		return []byte{0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c}
	})
}

func (s AudioStream) frames(n int, codec media.Codec, config *media.AudioConfig, data func(int) []byte) []*media.AudioFrame {
	samples := func(i int) time.Duration {
		return time.Duration(i) * time.Duration(config.FrameSamples) * time.Second / time.Duration(config.SampleRate)
	}
	frames := make([]*media.AudioFrame, n)
	for k := range frames {
		i := s.Sequence + k
		frames[k] = &media.AudioFrame{
			Codec: codec, PTS: s.Start + samples(i), Duration: samples(1),
			Data: data(i), Config: config, Arrival: s.Epoch.Add(samples(i)),
		}
	}
	return frames
}
