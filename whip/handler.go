package whip

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/metrics"
)

// Config says what a Handler works on.
type Config struct {
	// Server plays the streams; required.
	Server *egress.Server

	// Authorize says who may watch; nil: everybody. A session's URL is a
	// capability by itself, so only joins are asked about.
	Authorize Authorizer

	// Visible returns those of streams that somebody may know of; nil: all.
	Visible func(ctx context.Context, v Visit, streams []string) []string

	// ICEServers returns the STUN and TURN servers for a viewer; nil: none.
	ICEServers func(v Visit) []ICEServer

	// Origins are those of the pages elsewhere that may play, such as
	// https://example.org; none: all may.
	Origins []string

	// JoinsPerSecond is how many sessions one address may make, ten seconds'
	// worth of them at once; default 20.
	JoinsPerSecond int

	// MaxPerAddress bounds the sessions of one address; default 500.
	MaxPerAddress int

	// Wait is how long viewers who come before a stream's publisher may wait
	// for it in an open session, where the request does not say (?wait=30s);
	// 0: they are refused with 404 or 409.
	Wait time.Duration

	// Metrics takes the counts; required.
	Metrics *metrics.Metrics

	// Logger takes the begin and the end of sessions; default slog.Default().
	Logger *slog.Logger
}

// Handler serves /whep/ and /api/streams.
type Handler struct {
	// static
	play      func(stream, offer string, patience time.Duration) (viewer, error)
	streams   func() []egress.StreamInfo
	authorize Authorizer
	known     func(ctx context.Context, v Visit, streams []string) []string // nil: all
	wait      time.Duration
	joins     metrics.Signal
	mux       *http.ServeMux

	door
}

// New returns a Handler. It must be closed.
func New(cfg Config) *Handler {
	h := &Handler{
		play: func(stream, offer string, patience time.Duration) (viewer, error) {
			return cfg.Server.Await(stream, offer, patience)
		},
		streams:   func() []egress.StreamInfo { return cfg.Server.Streams() },
		authorize: cfg.Authorize,
		known:     cfg.Visible,
		wait:      cfg.Wait,
		joins:     cfg.Metrics.Signal(),
		mux:       http.NewServeMux(),
		door: door{
			origins:    slices.Clone(cfg.Origins),
			iceServers: cfg.ICEServers,
			crowd:      newCrowd(cfg.JoinsPerSecond, cfg.MaxPerAddress),
			log:        cmp.Or(cfg.Logger, slog.Default()),
		},
	}
	h.metrics = h.joins.Door
	h.mux.Handle("/whep/{app}/{key}", h.counted(h.endpoint()))
	h.mux.Handle("/whep/{app}/{key}/{session}", h.counted(h.resource()))
	h.mux.Handle("/whep/{app}/{key}/{session}/events", h.counted(h.events()))
	h.mux.Handle("/whep/{app}/{key}/{session}/events/{stream}", h.counted(h.eventStream()))
	h.mux.Handle("/whep/", h.counted(nothing()))
	h.mux.Handle("/api/streams", h.streamList())
	h.mux.Handle("/api/streams/{app}/{key}", h.streamOne())
	h.mux.Handle("/", nothing())
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.let(w, r) {
		return
	}
	h.mux.ServeHTTP(w, r)
}
