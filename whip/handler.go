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
	play       func(stream, offer string, patience time.Duration) (viewer, error)
	streams    func() []egress.StreamInfo
	authorize  Authorizer
	known      func(ctx context.Context, v Visit, streams []string) []string // nil: all
	iceServers func(v Visit) []ICEServer                                     // nil: none
	origins    origins
	crowd      crowd
	wait       time.Duration
	metrics    metrics.Signal
	log        *slog.Logger
	mux        *http.ServeMux

	sessions table
}

// New returns a Handler. It must be closed.
func New(cfg Config) *Handler {
	h := &Handler{
		play: func(stream, offer string, patience time.Duration) (viewer, error) {
			return cfg.Server.Await(stream, offer, patience)
		},
		streams:    func() []egress.StreamInfo { return cfg.Server.Streams() },
		authorize:  cfg.Authorize,
		known:      cfg.Visible,
		iceServers: cfg.ICEServers,
		origins:    slices.Clone(cfg.Origins),
		crowd:      newCrowd(cfg.JoinsPerSecond, cfg.MaxPerAddress),
		wait:       cfg.Wait,
		metrics:    cfg.Metrics.Signal(),
		log:        cmp.Or(cfg.Logger, slog.Default()),
		mux:        http.NewServeMux(),
	}
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

// Close ends all sessions and waits for their ends; it cannot fail. Later
// offers are refused with 503.
func (h *Handler) Close() error {
	h.sessions.close()
	return nil
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !h.origins.let(w.Header(), r) && r.Method != http.MethodOptions { // its preflight learns it from the header
		refuse(http.StatusForbidden, "pages of this origin may not play").write(w)
		return
	}
	if r.Body != nil && r.Body != http.NoBody {
		// Here and not where a body is read, because net/http also reads,
		// without a limit in time, what a refused request left unread. A
		// writer without deadlines is one of a test.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	h.mux.ServeHTTP(w, r)
}

// counted counts the requests that next answers.
func (h *Handler) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(s, r)
		h.metrics.Request(r.Method, s.status)
	})
}

// statusWriter remembers the status code written.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap gives http.ResponseController the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
