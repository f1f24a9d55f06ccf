package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"

	"github.com/sluice-media/sluice/depacketize"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/guard"
)

// errRefused is all that go-rtmp, which logs it, learns of a refusal.
var errRefused = errors.New("publication refused")

// session is one connection: the net.Conn that go-rtmp reads and the Handler
// that it calls for commands, all in one goroutine.
type session struct {
	rtmp.DefaultHandler
	*guard.Conn

	// static
	server *Server
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelCauseFunc

	// owned by the connection's goroutine
	request     Request
	app         string
	publication *publication
	cause       error // what a handler ended the connection for
}

// OnServe implements rtmp.Handler.
func (s *session) OnServe(conn *rtmp.Conn) {
	streamer := conn.GetChunkStreamer()
	_ = streamer.SelfState().SetChunkSize(guard.SendSize) // below go-rtmp's limit

	// go-rtmp acknowledges when the bytes read have reached half of this as an
	// unsigned number: never, as the guard does it.
	_ = streamer.PeerState().SetAckWindowSize(-2)
}

// OnConnect implements rtmp.Handler.
func (s *session) OnConnect(_ uint32, cmd *message.NetConnectionConnect) error {
	s.app = cmd.Command.App
	s.request.Agent = cmd.Command.FlashVer[:min(len(cmd.Command.FlashVer), maxSegment)]
	return nil
}

// OnPublish implements rtmp.Handler.
func (s *session) OnPublish(stream *rtmp.StreamContext, _ uint32, cmd *message.NetStreamPublish) error {
	if err := s.publish(cmd.PublishingName); err != nil {
		r := refusalOf(err)
		s.Refuse(stream.StreamID, string(r.Code), r.Description)
		s.cause = fmt.Errorf("%w: %w", errRefused, err)
		return errRefused
	}
	s.Accept()
	return nil
}

func (s *session) publish(name string) error {
	if err := s.request.parseNames(s.app, name); err != nil {
		return err
	}
	id := s.Published()
	s.request.Tell = func(text string) { s.Tell(id, text) }
	stream, w, err := s.server.cfg.Publish(s.ctx, s.request)
	if err != nil {
		return err
	}
	log := s.log.With("stream", stream)
	log.Info("publication begins", "agent", s.request.Agent)
	s.publication = newPublication(w, s.server.cfg, s.server.cfg.Metrics.Ingest(stream), log)
	return nil
}

// media takes a message of the publication from the guard. An error ends the
// connection, and the publisher is told where he can do something about it.
func (s *session) media(m chunk.Message, arrival time.Time) error {
	err := s.publication.message(m, arrival)
	var refusal *Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		s.Refuse(s.Published(), string(refusal.Code), refusal.Description)
	case errors.Is(err, depacketize.ErrUnsupportedCodec):
		s.Refuse(s.Published(), string(Rejected), err.Error())
	}
	s.cause = err
	return err
}

// OnClose implements rtmp.Handler. Close follows.
func (s *session) OnClose() {
	cause := s.cause
	switch {
	case cause != nil:
	case s.server.ctx.Err() != nil:
		cause = errServerClosed
	case s.ctx.Err() != nil:
		cause = context.Cause(s.ctx)
	case s.Err() != nil:
		cause = s.Err()
	default:
		cause = errLibrary
	}
	s.cancel(nil)
	if s.publication != nil {
		s.publication.close(cause)
	}
	s.server.ended(s, cause)
}

// Close implements io.Closer for go-rtmp, which calls it last of all.
func (s *session) Close() error {
	err := s.Conn.Close()
	s.server.leave(s)
	return err
}
