package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/access"
	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/transcode"
)

// publisher admits publications: through the gate, to a seat, then to a chain.
func publisher(gate *access.Gate, seats *access.Seats, server *egress.Server, pool *transcode.Pool) ingest.Publisher {
	return func(ctx context.Context, r ingest.Request) (string, media.Writer, error) {
		from := r.RemoteAddr.Addr()
		stream, done, err := gate.Publish(ctx, access.Publisher{App: r.App, Key: r.Key, Query: r.Query, Address: from, Agent: r.Agent})
		var denied *access.Denied
		if errors.As(err, &denied) {
			return "", nil, &ingest.Refusal{Code: ingest.Rejected, Description: denied.Detail}
		}
		if err != nil {
			return "", nil, err
		}
		w, err := sit(ctx, seats, access.Claim{Stream: stream, Address: from, Agent: r.Agent, End: r.End}, func() (media.Writer, error) {
			return chain(stream, server, pool)
		})
		if err != nil {
			done()
			return "", nil, err
		}
		w.done = done
		return stream, w, nil
	}
}

// sit takes a seat for what open opens.
func sit(ctx context.Context, seats *access.Seats, c access.Claim, open func() (media.Writer, error)) (*seated, error) {
	seat, err := seats.Take(ctx, c)
	if errors.Is(err, access.ErrTaken) {
		return nil, &ingest.Refusal{Code: ingest.BadName, Description: c.Stream + " is being published already"}
	}
	if errors.Is(err, access.ErrShut) {
		return nil, &ingest.Refusal{Code: ingest.Rejected, Description: "this server is about to stop"}
	}
	if err != nil {
		return nil, fmt.Errorf("take %s: %w", c.Stream, err)
	}
	w, err := open()
	if err != nil {
		seat.Leave()
		return nil, err
	}
	return &seated{Writer: w, seat: seat}, nil
}

// chain joins the stages of a publication, the last one first. A nil pool
// means that AAC cannot be turned into Opus: it goes no further than the hub.
func chain(stream string, server *egress.Server, pool *transcode.Pool) (media.Writer, error) {
	hub, err := server.Publish(stream)
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", stream, err)
	}
	if pool == nil {
		return hub, nil
	}
	w := pool.NewVideoWriter(stream, hub, hub.HasViewers, hub.TakeKeyframeRequest)
	return pool.NewOpusWriter(stream, w, hub.HasViewers), nil
}
