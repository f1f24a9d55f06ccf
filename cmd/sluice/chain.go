package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/sluice-media/sluice/access"
	"github.com/sluice-media/sluice/contribute"
	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/transcode"
	"github.com/sluice-media/sluice/whip"
)

// stage is what publications of every door go through: the gate, a seat, and a
// chain of stages.
type stage struct {
	gate   *access.Gate
	seats  *access.Seats
	server *egress.Server
	pool   *transcode.Pool // nil: no AAC
}

// overRTMP admits publications that come by RTMP.
func (s *stage) overRTMP(ctx context.Context, r ingest.Request) (string, media.Writer, error) {
	from := r.RemoteAddr.Addr()
	stream, done, err := s.gate.Publish(ctx, access.Publisher{App: r.App, Key: r.Key, Query: r.Query, Address: from, Agent: r.Agent})
	var denied *access.Denied
	if errors.As(err, &denied) {
		return "", nil, &ingest.Refusal{Code: ingest.Rejected, Description: denied.Detail}
	}
	if err != nil {
		return "", nil, err
	}
	w, err := s.sit(ctx, access.Claim{Stream: stream, Address: from, Agent: r.Agent, End: r.End}, r.Tell, done)
	if err != nil {
		done()
		switch {
		case errors.Is(err, access.ErrTaken):
			err = &ingest.Refusal{Code: ingest.BadName, Description: stream + " is being published already"}
		case errors.Is(err, access.ErrShut):
			err = &ingest.Refusal{Code: ingest.Rejected, Description: "this server is about to stop"}
		}
		return "", nil, err
	}
	return stream, w, nil
}

// overWHIP admits publications that come by WHIP. A Bearer token is for the
// stream that the URL names; without one the URL's name is the key, as it is in
// RTMP.
func (s *stage) overWHIP(ctx context.Context, r contribute.Request) (contribute.Admitted, error) {
	from := r.RemoteAddr.Addr()
	query := url.Values{}
	if r.Token != "" {
		query.Set("token", r.Token)
	}
	stream, done, err := s.gate.Publish(ctx, access.Publisher{App: r.App, Key: r.Name, Query: query, Address: from, Agent: r.Agent})
	var denied *access.Denied
	if errors.As(err, &denied) {
		err = &whip.Denied{Detail: denied.Detail, RetryAfter: denied.Wait}
	}
	if err != nil {
		return contribute.Admitted{}, err
	}
	open := func(ctx context.Context, end func(error)) (contribute.Writer, error) {
		w, err := s.sit(ctx, access.Claim{Stream: stream, Address: from, Agent: r.Agent, End: end}, func(string) {}, done)
		switch {
		case errors.Is(err, access.ErrTaken):
			err = contribute.ErrTaken
		case errors.Is(err, access.ErrShut):
			err = contribute.ErrClosed
		}
		if err != nil {
			return nil, err
		}
		return w, nil
	}
	return contribute.Admitted{Stream: stream, Open: open, Forget: done}, nil
}

// sit takes a seat for a chain. tell reaches the publisher, done tells the hooks
// when both are left.
func (s *stage) sit(ctx context.Context, c access.Claim, tell func(string), done func()) (*seated, error) {
	seat, err := s.seats.Take(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("take %s: %w", c.Stream, err)
	}
	w := &seated{seat: seat, done: done}
	if err := w.join(c.Stream, transcode.Policy(s.gate.BFrames(c.Stream)), s.server, s.pool, tell); err != nil {
		seat.Leave()
		return nil, err
	}
	return w, nil
}

// join makes the chain of a publication, the last stage first. An empty policy
// is the pool's. A nil pool means that AAC cannot be turned into Opus: it goes no
// further than the hub.
func (s *seated) join(stream string, bFrames transcode.Policy, server *egress.Server, pool *transcode.Pool, tell func(string)) error {
	hub, err := server.Publish(stream)
	if err != nil {
		return fmt.Errorf("publish %s: %w", stream, err)
	}
	s.Writer, s.Describer, s.needed = hub, hub, hub.TakeKeyframeNeed
	if pool == nil {
		return nil
	}
	video := pool.NewVideoWriter(stream, bFrames, &telling{Writer: hub, tell: tell}, hub.HasViewers, hub.TakeKeyframeRequest)
	s.needed = func() bool { return !video.Encodes() && hub.TakeKeyframeNeed() }
	s.Writer = pool.NewOpusWriter(stream, video, hub.HasViewers)
	return nil
}
