package rtmptest

import (
	"encoding/binary"
	"time"

	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/media"
)

// VideoConfig returns the AVC sequence header for parameter sets, one each, as
// a message at a time.
func VideoConfig(sets *media.ParameterSets, at time.Duration) chunk.Message {
	body := []byte{0x17, 0, 0, 0, 0, 1}
	body = append(body, sets.ProfileLevelID[:]...)
	body = append(body, 0xff, 0xe1)
	body = appendSized(body, sets.SPS[0])
	body = append(body, 1)
	body = appendSized(body, sets.PPS[0])
	return tag(chunk.Video, at, body)
}

// VideoFrame returns an access unit as a message.
func VideoFrame(au *media.AccessUnit) chunk.Message {
	cts := (au.PTS - au.DTS).Milliseconds()
	body := []byte{0x27, 1, byte(cts >> 16), byte(cts >> 8), byte(cts)}
	if au.IDR {
		body[0] = 0x17
	}
	for _, n := range au.NALUs {
		body = binary.BigEndian.AppendUint32(body, uint32(len(n)))
		body = append(body, n...)
	}
	return tag(chunk.Video, au.DTS, body)
}

// AudioConfig returns the AAC sequence header as a message at a time.
func AudioConfig(c *media.AudioConfig, at time.Duration) chunk.Message {
	return tag(chunk.Audio, at, append([]byte{0xaf, 0}, c.ASC...))
}

// AudioFrame returns an AAC frame as a message.
func AudioFrame(f *media.AudioFrame) chunk.Message {
	return tag(chunk.Audio, f.PTS, append([]byte{0xaf, 1}, f.Data...))
}

func tag(t chunk.Type, at time.Duration, body []byte) chunk.Message {
	return chunk.Message{Type: t, StreamID: 1, Timestamp: uint32(at.Milliseconds()), Body: body}
}

func appendSized(dst, b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(b))), b...)
}

// Aggregate returns messages packed into one aggregate.
func Aggregate(messages ...chunk.Message) chunk.Message {
	var body []byte
	for _, m := range messages {
		n, ms := len(m.Body), m.Timestamp
		body = append(body, byte(m.Type), byte(n>>16), byte(n>>8), byte(n), byte(ms>>16), byte(ms>>8), byte(ms), byte(ms>>24), 0, 0, 0)
		body = append(body, m.Body...)
		body = binary.BigEndian.AppendUint32(body, uint32(11+n))
	}
	return chunk.Message{Type: chunk.Aggregate, StreamID: 1, Timestamp: messages[0].Timestamp, Body: body}
}
