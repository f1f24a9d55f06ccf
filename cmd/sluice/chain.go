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

// publisher admits publications: to a seat, then to a chain.
func publisher(seats *access.Seats, server *egress.Server, pool *transcode.Pool) ingest.Publisher {
	return func(ctx context.Context, r ingest.Request) (media.Writer, error) {
		seat, err := seats.Take(ctx, access.Claim{Stream: r.Stream, Address: r.RemoteAddr.Addr(), End: r.End})
		if errors.Is(err, access.ErrTaken) {
			return nil, &ingest.Refusal{Code: ingest.BadName, Description: r.Stream + " is being published already"}
		}
		if err != nil {
			return nil, fmt.Errorf("take %s: %w", r.Stream, err)
		}
		w, err := chain(r.Stream, server, pool)
		if err != nil {
			seat.Leave()
			return nil, err
		}
		return seated{w, seat}, nil
	}
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
	return pool.NewOpusWriter(stream, hub, hub.HasViewers), nil
}
