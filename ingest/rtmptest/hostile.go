package rtmptest

import (
	"bytes"
	"strings"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
)

// Hostile returns, by what they are, the bytes of clients that kill or exhaust
// a server which trusts them. Each begins with a handshake.
func Hostile() map[string][]byte {
	call := amf0.Append(nil, "a", 0.0)
	command := func(args string) []byte {
		return chunk.Append(Handshake(), Commands, chunk.Message{Type: chunk.CommandAMF0, Body: append(bytes.Clone(call), args...)})
	}
	long := func(args string, n int) []byte {
		return AppendChunks(Handshake(), Commands, 128, chunk.Message{
			Type: chunk.CommandAMF0, Body: append(bytes.Clone(call), strings.Repeat(args, n)...),
		})
	}
	return map[string][]byte{
		"strict array of 2^31-1":     command("\x0a\x7f\xff\xff\xff"),
		"20 nested arrays of 2^26":   command(strings.Repeat("\x0a\x04\x00\x00\x00", 20)),
		"nested arrays, 64 KiB":      long("\x0a\x00\x00\x00\x01", 13000),
		"nested objects, 64 KiB":     long("\x03\x00\x01a", 16000),
		"nested objects, 1 MiB":      long("\x03\x00\x01a", 1<<18),
		"connect with a bomb":        chunk.Append(Handshake(), Commands, chunk.Message{Type: chunk.CommandAMF0, Body: append(amf0.Append(nil, "connect", 1.0), "\x03\x00\x03app\x0a\x7f\xff\xff\xff"...)}),
		"unfinished 16 MiB messages": unfinished(Handshake(), 15),
		"unfinished, after publish":  unfinished(Session("live", "bomb"), 12),
		"65 k chunk streams":         manyStreams(Handshake()),
		"empty command":              chunk.Append(Handshake(), Commands, chunk.Message{Type: chunk.CommandAMF0}),
		"message that shrinks":       append(unfinished(Session("live", "bomb"), 1), 0x47, 0, 0, 0, 0, 0, 1, byte(chunk.Video), 'x'),
		"messages begun anew":        begun(Session("live", "bomb"), 1000),
		"garbage":                    append(Handshake(), bytes.Repeat([]byte{0x5a, 0xc3, 0x00, 0x17}, 1000)...),
		"chunk size 0":               chunk.Append(Handshake(), Protocol, chunk.Message{Type: chunk.SetChunkSize, Body: make([]byte, 4)}),
	}
}

// unfinished begins n messages of 16 MiB, each on its own chunk stream.
func unfinished(b []byte, n int) []byte {
	for i := range n {
		b = append(b, byte(7+i), 0, 0, 0, 0xff, 0xff, 0xff, byte(chunk.Video), 1, 0, 0, 0)
		b = append(b, make([]byte, 128)...)
	}
	return b
}

// begun begins n messages on one chunk stream, each longer than the last, and
// sends one byte of each.
func begun(b []byte, n int) []byte {
	b = chunk.Append(b, Protocol, chunk.Message{Type: chunk.SetChunkSize, Body: []byte{0, 0, 0, 1}})
	for i := range n {
		b = append(b, 7, 0, 0, 0, 1, byte(i>>8), byte(i), byte(chunk.Video), 1, 0, 0, 0, 'x')
	}
	return b
}

func manyStreams(b []byte) []byte {
	for id := range 1 << 16 {
		b = append(b, 1, byte(id), byte(id>>8), 0, 0, 0, 0, 0, 1, byte(chunk.Audio), 1, 0, 0, 0, 'a')
	}
	return b
}
