package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/transcode"
)

// publisher joins the stages of a publication, the last one first. A nil pool
// means that AAC cannot be turned into Opus: it goes no further than the hub.
func publisher(server *egress.Server, pool *transcode.Pool) ingest.Publisher {
	return func(_ context.Context, r ingest.Request) (media.Writer, error) {
		hub, err := server.Publish(r.Stream)
		if errors.Is(err, egress.ErrStreamBusy) {
			return nil, &ingest.Refusal{Code: ingest.BadName, Description: r.Stream + " is being published already"}
		}
		if err != nil {
			return nil, fmt.Errorf("publish %s: %w", r.Stream, err)
		}
		if pool == nil {
			return hub, nil
		}
		return pool.NewOpusWriter(r.Stream, hub, hub.HasViewers), nil
	}
}
