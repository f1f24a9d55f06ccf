// Package chunk is RTMP's chunk layer: bytes of a hostile network in, whole
// messages out, within bounds that hold whatever the bytes say.
//
// Specification: Adobe's Real Time Messaging Protocol, 1.0 (2012), §5.3, §5.4
// and §7.1.6, and where senders in the field differ, what they send.
//
// It is pure: an io.Reader in, no goroutine, no clock, no log, no socket.
package chunk

import "errors"

// What a Reader stores for one connection is bounded by these.
const (
	// MaxCommand is the greatest command or control message in bytes. The
	// longest seen is an onMetaData of 1 KiB; 64 KiB leaves room for tokens.
	MaxCommand = 64 << 10

	// MaxMedia is the greatest audio, video or aggregate message in bytes.
	// An intra frame of 2160p at 80 Mbit/s has about 2 MiB.
	MaxMedia = 8 << 20

	// MaxPending bounds the memory for all messages under way together: one
	// greatest video message with audio and commands sent between its chunks.
	MaxPending = 12 << 20

	// MaxStreams is how many chunk streams one connection may use. OBS uses
	// 3, ffmpeg 5.
	MaxStreams = 16

	// maxSpare is the greatest buffer kept for the next message. Greater ones
	// are rare (intra frames above 8 Mbit/s or so) and left to the collector.
	maxSpare = 1 << 20

	// MaxSize is the greatest chunk size (§5.4.1): no message is longer.
	MaxSize = 0xffffff

	// defaultSize is the chunk size until Set Chunk Size changes it (§5.4.1).
	defaultSize = 128
)

var (
	// ErrMalformed is wrapped by errors about bytes that are no chunk stream.
	ErrMalformed = errors.New("malformed chunk stream")

	// ErrLimit is wrapped by errors about bytes that ask for too much.
	ErrLimit = errors.New("chunk stream beyond limits")
)

// Type is a message type (§5.4, §7.1).
type Type uint8

// The message types that Sluice reads or writes.
const (
	SetChunkSize     Type = 1
	Abort            Type = 2
	Acknowledgement  Type = 3
	UserControl      Type = 4
	WindowAckSize    Type = 5
	SetPeerBandwidth Type = 6
	Audio            Type = 8
	Video            Type = 9
	CommandAMF3      Type = 17
	CommandAMF0      Type = 20
	Aggregate        Type = 22
)

// Message is one RTMP message.
type Message struct {
	Type      Type
	StreamID  uint32
	Timestamp uint32 // ms, modulo 2³²

	// Body is never empty, and valid until the next call of Reader.Next.
	Body []byte
}
