// Package rtmptest is an RTMP client for tests, written by hand: what it sends
// is exactly what a test says, also where no encoder would send it.
package rtmptest

import (
	"bytes"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
)

// Chunk streams that the Client sends on.
const (
	Protocol = 2
	Commands = 3
	AudioID  = 4
	VideoID  = 6
)

// Handshake returns C0, C1 and C2, the latter not echoing anything.
func Handshake() []byte {
	b := bytes.Repeat([]byte{0xaa}, 1+1536+1536)
	b[0] = 3
	copy(b[1:], make([]byte, 8)) // time and version 0: the plain handshake
	return b
}

// Command returns a command message.
func Command(streamID uint32, values ...any) chunk.Message {
	return chunk.Message{Type: chunk.CommandAMF0, StreamID: streamID, Body: amf0.Append(nil, values...)}
}

// Connect returns the connect command as OBS sends it.
func Connect(app string) chunk.Message {
	return Command(0, "connect", 1.0, amf0.Object{
		{Key: "app", Value: app},
		{Key: "type", Value: "nonprivate"},
		{Key: "flashVer", Value: "FMLE/3.0 (compatible; FMSc/1.0)"},
		{Key: "tcUrl", Value: "rtmp://127.0.0.1/" + app},
	})
}

// AppendChunks appends a message in chunks of a size, the first of type 0, the
// others of type 3 with the extended timestamp repeated if there is one.
func AppendChunks(dst []byte, id byte, size int, m chunk.Message) []byte {
	head := chunk.AppendHeader(nil, id, m)
	more := []byte{0xc0 | id}
	if len(head) > 12 {
		more = append(more, head[12:]...)
	}
	dst = append(dst, head...)
	for body := m.Body; ; dst = append(dst, more...) {
		n := min(len(body), size)
		dst = append(dst, body[:n]...)
		if body = body[n:]; len(body) == 0 {
			return dst
		}
	}
}

// Session returns the bytes of a whole publisher: handshake, connect,
// createStream, publish, sent without waiting for any reply.
func Session(app, key string) []byte {
	b := Handshake()
	for _, m := range []chunk.Message{
		Connect(app),
		Command(0, "releaseStream", 2.0, nil, key),
		Command(0, "FCPublish", 3.0, nil, key),
		Command(0, "createStream", 4.0, nil),
		Command(1, "publish", 5.0, nil, key, "live"),
	} {
		b = AppendChunks(b, Commands, 128, m)
	}
	return b
}
