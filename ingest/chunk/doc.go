// Package chunk is RTMP's chunk layer: bytes of a hostile network in, whole
// messages out, within bounds that hold whatever the bytes say.
//
// Specification: Adobe's Real Time Messaging Protocol, 1.0 (2012), §5.3, §5.4
// and §7.1.6, and where senders in the field differ, what they send.
//
// It is pure: an io.Reader in, no goroutine, no clock, no log, no socket.
package chunk

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
	DataAMF0         Type = 18
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
