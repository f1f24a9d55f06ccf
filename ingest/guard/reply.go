package guard

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
)

// Accept lets audio and video through from here on, and replaces the time to
// publish by the idle limit. It belongs to the reading goroutine.
func (c *Conn) Accept() {
	c.refreshed = time.Now()
	_ = c.SetReadDeadline(c.refreshed.Add(c.cfg.IdleTimeout)) // a failed one shows in Read
	c.messages.KeepMedia()
}

// Refuse tells the peer why it is not served, and returns when it has hung up
// or has had the time to read it. What go-rtmp says afterwards is not sent. It
// belongs to the reading goroutine; the caller then ends the connection.
//
// code is one that OBS knows: it waits for ever at others while the connection
// is open.
func (c *Conn) Refuse(streamID uint32, code, description string) {
	c.reply(streamID, "onStatus", 0.0, nil, status("error", code, description))
	c.hangUp()
}

// Tell tells the peer something that changes nothing. It may be called from any
// goroutine.
func (c *Conn) Tell(streamID uint32, description string) {
	c.reply(streamID, "onStatus", 0.0, nil, status("warning", "NetStream.Publish.Warning", description))
}

// Published returns the message stream that the publisher asked to publish.
// It belongs to the reading goroutine.
func (c *Conn) Published() uint32 { return c.progress.published }

// Close implements net.Conn. After an orderly end it first lets the peer
// finish, see linger. It belongs to the reading goroutine; another one ends the
// connection by closing the net.Conn under it.
func (c *Conn) Close() error {
	if errors.Is(c.err, ErrUnpublished) {
		c.hangUp()
	}
	c.messages.Close()
	return c.Conn.Close()
}

// hangUp says no more and reads what the peer still sends, until it hangs up
// or linger has passed.
func (c *Conn) hangUp() {
	c.mu.Lock()
	c.muted = true
	c.mu.Unlock()
	if c.SetReadDeadline(time.Now().Add(linger)) == nil {
		_, _ = io.Copy(io.Discard, c.Conn)
	}
}

// Write implements net.Conn: go-rtmp's side of it. It never fails: a peer that
// has hung up may have sent frames before, which are still to be read, and
// go-rtmp, once its writing has failed, takes 3 s to close. A peer that does
// not read what it is told loses its connection.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.muted {
		return len(p), nil
	}
	err := c.SetWriteDeadline(time.Now().Add(c.cfg.WriteTimeout))
	if err == nil {
		_, err = c.Conn.Write(c.enhanced(p))
	}
	c.muted = err != nil
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.deaf = true
		c.Conn.Close()
	}
	return len(p), nil
}

// send sends one message of ours.
func (c *Conn) send(id byte, m chunk.Message) { _, _ = c.Write(chunk.Append(nil, id, m)) }

// reply sends one command of ours.
func (c *Conn) reply(streamID uint32, values ...any) {
	c.send(csReply, chunk.Message{
		Type: chunk.CommandAMF0, StreamID: streamID, Body: amf0.Append(nil, values...),
	})
}

// result answers a call that expects an answer.
func (c *Conn) result(cl call, value any) {
	if cl.transaction > 0 {
		c.reply(0, "_result", cl.transaction, nil, value)
	}
}

// status is the information object of onStatus and its kin (§7.2.2).
func status(level, code, description string) amf0.Object {
	return amf0.Object{
		{Key: "level", Value: level},
		{Key: "code", Value: code},
		{Key: "description", Value: description},
	}
}
