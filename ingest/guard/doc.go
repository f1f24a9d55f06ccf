// Package guard is a net.Conn that stands between the network and go-rtmp and
// lets only clean RTMP through.
//
// go-rtmp v0.0.7 serves commands well, but trusts its peer: 18 bytes make it
// allocate 32 GiB, nesting overflows its stack, a message may have any size,
// nothing times out, and much that publishers legally send ends the connection
// (extended timestamps on chunks of type 3, aggregates, AMF 3 wrappers, empty
// messages, transaction 0, Undefined in the connect object). So a Conn reads
// the wire itself, with bounds (see package chunk), and gives go-rtmp a stream
// of few forms: the handshake as it came, then only connect, createStream and
// publish, each encoded anew, one chunk per message. Audio, video and data of
// an accepted publication it hands over by itself. The rest it answers or drops.
//
// A Conn starts no goroutine. Read, and all methods that say so, belong to the
// one goroutine in which go-rtmp reads and calls its Handler.
package guard

import (
	"errors"
	"time"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
)

var (
	// ErrNotRTMP is wrapped by errors about a first byte that begins another
	// protocol.
	ErrNotRTMP = errors.New("not RTMP")

	// ErrProtocol is wrapped by errors about commands that make no sense.
	ErrProtocol = errors.New("unusable RTMP command")

	// ErrPlay is returned for a client that wants to play.
	ErrPlay = errors.New("client wants to play")

	// ErrDeaf is the end of a peer that does not read what it is told.
	ErrDeaf = errors.New("peer does not read")

	// ErrUnpublished is returned after the publisher has ended its stream with
	// a command, which is how encoders stop.
	ErrUnpublished = errors.New("unpublished")
)

// linger is how long a Conn goes on reading after its last word. A socket
// closed with bytes unread sends a reset, and the reset makes the client lose
// what it has not read yet: the reason why it was refused. OBS, ffmpeg and
// GStreamer hang up by themselves as soon as they know it, which takes a round
// trip and, where the CPUs are busy, as long again.
const linger = 500 * time.Millisecond

// Config configures a Conn. The zero value of a field means its default.
type Config struct {
	// Media takes the audio, video and data messages of an accepted
	// publication; arrival is when the last byte of one had been read. Their
	// bodies are valid until it returns, an error ends the connection. It is
	// called by Read. Required.
	Media func(m chunk.Message, arrival time.Time) error

	// Limits bound the messages, AMF what commands hold.
	Limits chunk.Limits
	AMF    amf0.Limits

	// Abilities are what connect is answered.
	Abilities Abilities

	// PublishTimeout bounds the time from New to Accept: handshake, connect
	// and publish. Default 10 s.
	PublishTimeout time.Duration

	// IdleTimeout is how long a publisher may send no audio and no video.
	// Default 30 s.
	IdleTimeout time.Duration

	// WriteTimeout bounds one write; replies are small, so only a peer that
	// does not read lets it pass. Default 5 s.
	WriteTimeout time.Duration
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.PublishTimeout, 10*time.Second)
	def(&c.IdleTimeout, 30*time.Second)
	def(&c.WriteTimeout, 5*time.Second)
	return c
}
