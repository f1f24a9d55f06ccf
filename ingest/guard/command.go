package guard

import (
	"fmt"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
)

// maxStreams is how many streams one connection may create; publishers create
// one.
const maxStreams = 8

// progress is how far the connection has come.
type progress struct {
	connected bool
	streams   uint32 // created so far; go-rtmp numbers them from 1
	asked     bool   // publish was passed to go-rtmp
	published uint32 // the stream it was for
}

// call is a command from the peer (§7.1.1).
type call struct {
	name        string
	transaction float64 // 0: no reply is expected
	streamID    uint32
	args        *amf0.Reader // after the transaction id
}

func parseCall(m chunk.Message, limits amf0.Limits) (call, error) {
	cl := call{streamID: m.StreamID, args: limits.NewReader(m.Body)}
	var err error
	if cl.name, err = cl.args.String(); err != nil {
		return call{}, fmt.Errorf("command name: %w", err)
	}
	if v, err := cl.args.Next(); err == nil {
		if id, ok := v.(float64); ok && id > 0 && id < 1<<53 {
			cl.transaction = id
		}
	}
	return cl, nil
}

// argument returns the argument at index i after the command object, which
// publishers leave empty; nil: it is not there.
func (cl call) argument(i int) any {
	var v any
	for range i + 2 {
		var err error
		if v, err = cl.args.Next(); err != nil {
			return nil
		}
	}
	return v
}

// command deals with one command. Only what go-rtmp has to know reaches it;
// some of the others are no part of the specification, but clients wait for
// their answers (Flash Media Live Encoder for onFCPublish).
func (c *Conn) command(m chunk.Message) error {
	cl, err := parseCall(m, c.cfg.AMF)
	if err != nil {
		return err
	}
	switch cl.name {
	case "connect":
		return c.connect(cl)
	case "createStream":
		return c.createStream(cl)
	case "publish":
		return c.askPublish(cl)
	case "play", "play2":
		c.Refuse(cl.streamID, "NetStream.Play.Failed", "this server takes publishers only")
		return ErrPlay
	case "FCPublish":
		c.result(cl, nil)
		c.reply(0, "onFCPublish", 0.0, nil, status("status", "NetStream.Publish.Start", cl.name))
	case "FCUnpublish":
		c.result(cl, nil)
		c.reply(0, "onFCUnpublish", 0.0, nil, status("status", "NetStream.Unpublish.Success", cl.name))
		return c.unpublish(cl)
	case "deleteStream", "closeStream":
		return c.unpublish(cl)
	case "releaseStream", "_checkbw":
		c.result(cl, nil)
	case "getStreamLength":
		c.result(cl, 0.0)
	default:
	}
	return nil
}

// createStream passes createStream on, within bounds.
func (c *Conn) createStream(cl call) error {
	if !c.progress.connected {
		return fmt.Errorf("%w: createStream before connect", ErrProtocol)
	}
	if c.progress.streams == maxStreams {
		return fmt.Errorf("%w: more than %d streams on one connection", ErrProtocol, maxStreams)
	}
	c.progress.streams++
	c.passCommand(0, "createStream", cl.transaction, nil)
	return nil
}

// askPublish passes publish on, once.
func (c *Conn) askPublish(cl call) error {
	name, ok := cl.argument(0).(string)
	switch {
	case c.progress.asked:
		c.Refuse(cl.streamID, "NetStream.Publish.BadName", "this connection publishes already")
		return fmt.Errorf("%w: second publish on one connection", ErrProtocol)
	case cl.streamID == 0 || cl.streamID > c.progress.streams:
		c.Refuse(cl.streamID, "NetStream.Publish.Rejected", "publish on a stream that was not created")
		return fmt.Errorf("%w: publish on stream %d of %d", ErrProtocol, cl.streamID, c.progress.streams)
	case !ok:
		c.Refuse(cl.streamID, "NetStream.Publish.Rejected", "publish without a stream key")
		return fmt.Errorf("%w: publish without a stream key", ErrProtocol)
	}
	c.progress.asked, c.progress.published = true, cl.streamID
	c.passCommand(cl.streamID, "publish", cl.transaction, nil, clean(name), "live")
	return nil
}

// unpublish ends the stream, if there is one yet. The argument of deleteStream
// should be the stream's id (§7.2.2.3), but GStreamer sends the key.
func (c *Conn) unpublish(cl call) error {
	if !c.progress.asked {
		return nil
	}
	if id, ok := cl.argument(0).(float64); ok && cl.name == "deleteStream" && id != float64(c.progress.published) {
		return nil // another stream, never published
	}
	return ErrUnpublished
}

// passCommand puts a command, encoded anew, on its way to go-rtmp.
func (c *Conn) passCommand(streamID uint32, values ...any) {
	c.pass(chunk.Message{Type: chunk.CommandAMF0, StreamID: streamID, Body: amf0.Append(nil, values...)})
}
