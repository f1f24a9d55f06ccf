package whip

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"

	"github.com/sluice-media/sluice/contribute"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

// IngestConfig says what an Ingest works on.
type IngestConfig struct {
	// Server takes the publishers; required. A *Denied of its Admit becomes 401
	// or 429.
	Server *contribute.Server

	// ICEServers returns the STUN and TURN servers for a publisher; nil: none.
	// MayPublish says whether an OPTIONS may name them too, which has no
	// consequences otherwise; nil: it may.
	ICEServers func(v Visit) []ICEServer
	MayPublish func(ctx context.Context, v Visit) bool

	// Origins are those of the pages elsewhere that may publish, such as
	// https://example.org; none: all may.
	Origins []string

	// PublishesPerSecond is how many sessions one address may make, ten
	// seconds' worth of them at once; default 20.
	PublishesPerSecond int

	// Metrics takes the counts; required.
	Metrics *metrics.Metrics

	// Logger takes the begin and the end of sessions; default slog.Default().
	Logger *slog.Logger
}

// Ingest serves /whip/ (RFC 9725).
type Ingest struct {
	server *contribute.Server
	known  func(ctx context.Context, v Visit) bool // nil: everybody is
	mux    *http.ServeMux

	door
}

// NewIngest returns an Ingest. It must be closed.
func NewIngest(cfg IngestConfig) *Ingest {
	i := &Ingest{
		server: cfg.Server,
		known:  cfg.MayPublish,
		mux:    http.NewServeMux(),
		door: door{
			origins:    slices.Clone(cfg.Origins),
			iceServers: cfg.ICEServers,
			crowd:      newCrowd(cfg.PublishesPerSecond, 0),
			metrics:    cfg.Metrics.WHIP(),
			log:        cmp.Or(cfg.Logger, slog.Default()),
		},
	}
	i.mux.Handle("/whip/{app}/{key}", i.counted(i.endpoint()))
	i.mux.Handle("/whip/{app}/{key}/{session}", i.counted(i.resource()))
	i.mux.Handle("/", i.counted(nothing()))
	return i
}

func (i *Ingest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if i.let(w, r) {
		i.mux.ServeHTTP(w, r)
	}
}

// endpoint is /whip/{app}/{name} (RFC 9725 §4.1, 4.2).
func (i *Ingest) endpoint() http.Handler {
	return with("Accept-Post", typeSDP, i.offerServers(i.knows, methods{
		http.MethodPost: i.joining(i.publish),
		http.MethodGet:  discover,
		http.MethodHead: discover,
	}))
}

// publish answers an offer with a session (RFC 9725 §4.2).
func (i *Ingest) publish(w http.ResponseWriter, r *http.Request) error {
	token := tokenOf(r)
	from, _ := netip.ParseAddrPort(r.RemoteAddr) // of a net.Conn; none: all such share a limit
	admission, err := i.server.Admit(r.Context(), contribute.Request{
		App: r.PathValue("app"), Name: r.PathValue("key"), Token: token,
		RemoteAddr: from, Agent: r.UserAgent(),
	})
	if err != nil {
		return i.denied(w, err, token)
	}
	offer, err := readBody(w, r, typeSDP, maxOffer)
	if err == nil {
		err = checkOffer(offer, rtc.Sender)
	}
	if err != nil {
		admission.Cancel()
		return err
	}
	p, err := admission.Publish(r.Context(), offer)
	if err != nil {
		if problemOf(err).status == http.StatusInternalServerError {
			i.log.Error("publisher refused", "stream", admission.Stream, "error", err)
		}
		return err
	}
	// Under the URL's name, which may be a key, and never under the stream's.
	s, err := i.open(streamOf(r), admission.Stream, r.RemoteAddr, p) //nolint:contextcheck // a session outlives its request
	if err != nil {
		return err
	}
	i.linkServers(w.Header(), r) // RFC 9725 §4.6
	created(w, r, s)
	return nil
}
