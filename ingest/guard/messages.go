package guard

import (
	"encoding/binary"
	"time"

	"github.com/sluice-media/sluice/ingest/chunk"
)

// The chunk streams that messages to the peer go out on. go-rtmp uses the first
// two, with headers that build on its own last one; so on 3 only go-rtmp may
// write, while on 2 a full header with timestamp 0 and stream 0 disturbs
// nothing, as go-rtmp never repeats a type there.
const (
	csProtocol = 2 // §5.4
	csCommand  = 3
	csReply    = 5
)

// User control events (§6.2).
const (
	pingRequest  = 6
	pingResponse = 7
)

// handle deals with one message from the peer.
func (c *Conn) handle(m chunk.Message) error {
	switch m.Type {
	case chunk.Audio, chunk.Video, chunk.DataAMF0:
		return c.media(m)
	case chunk.CommandAMF0:
		return c.command(m)
	case chunk.UserControl:
		c.userControl(m.Body)
	case chunk.WindowAckSize:
		c.acks.setWindow(m.Body)
	default:
	}
	return nil
}

// media hands audio, video and data to the stream that was published, whatever
// id they carry: there is no other that they could be for.
func (c *Conn) media(m chunk.Message) error {
	arrival := time.Now()
	if m.Type != chunk.DataAMF0 && arrival.Sub(c.refreshed) > refresh {
		c.refreshed = arrival
		_ = c.SetReadDeadline(arrival.Add(c.cfg.IdleTimeout)) // a failed one shows in Read
	}
	return c.cfg.Media(m, arrival)
}

// userControl answers a ping; the other events mean nothing to a server that
// is published to.
func (c *Conn) userControl(body []byte) {
	if len(body) < 6 || binary.BigEndian.Uint16(body) != pingRequest {
		return
	}
	answer := binary.BigEndian.AppendUint16(nil, pingResponse)
	c.send(csProtocol, chunk.Message{Type: chunk.UserControl, Body: append(answer, body[2:6]...)})
}

// acks sends acknowledgements (§5.4.3). go-rtmp cannot: it does not see the
// bytes on the wire.
type acks struct {
	window uint64 // bytes; 0: the peer asks for none
	last   uint64 // bytes received when the last one was sent
}

// minWindow keeps a tiny window from causing a reply per message.
const minWindow = 4 << 10

func (a *acks) setWindow(body []byte) {
	if len(body) >= 4 {
		a.window = max(uint64(binary.BigEndian.Uint32(body)), minWindow)
	}
}

// due sends an acknowledgement after each half window, as some senders stop
// when a whole one has passed without.
func (a *acks) due(c *Conn) {
	if a.window == 0 || c.received-a.last < a.window/2 {
		return
	}
	a.last = c.received
	body := binary.BigEndian.AppendUint32(nil, uint32(c.received)) // modulo 2³²
	c.send(csProtocol, chunk.Message{Type: chunk.Acknowledgement, Body: body})
}
