package whip

import (
	"context"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

const (
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag" // RFC 8840 §8
)

// endpoint is /whep/{app}/{key} (draft-ietf-wish-whep §4.1 to 4.4).
func (h *Handler) endpoint() http.Handler {
	return with("Accept-Post", typeSDP, h.offerServers(h.knows, methods{
		http.MethodPost: h.joining(h.join),
		http.MethodGet:  discover,
		http.MethodHead: discover,
	}))
}

// discover answers GET and HEAD alike: no content, and the Content-Type by
// which a client knows a WHEP endpoint (draft-ietf-wish-whep §4.2).
func discover(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", typeSDP)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	return nil
}

// join answers an offer with a session (draft-ietf-wish-whep §4.3.1).
func (h *Handler) join(w http.ResponseWriter, r *http.Request) error {
	start := time.Now()
	leave, err := h.enter(w, r) // before anything can be learned
	if err != nil {
		return err
	}
	let := false
	defer func() {
		if !let {
			leave()
		}
	}()
	offer, err := readBody(w, r, typeSDP, maxOffer)
	if err != nil {
		return err
	}
	if err := checkOffer(offer, rtc.Receiver); err != nil {
		return err
	}
	stream := streamOf(r)
	patience, err := h.patience(r)
	if err != nil {
		return err
	}
	v, err := h.play(stream, offer, patience)
	if err != nil {
		if problemOf(err).status == http.StatusInternalServerError {
			h.log.Error("viewer refused", "stream", stream, "error", err)
		}
		return err
	}
	s, err := h.open(stream, stream, r.RemoteAddr, v)
	if err != nil {
		return err
	}
	let = true
	context.AfterFunc(v.Context(), leave)

	h.linkServers(w.Header(), r)
	w.Header().Add("Link", eventsLink(locationOf(r, s)))
	created(w, r, s)
	metrics.Since(h.joins.JoinAnswered, start)
	return nil
}

// locationOf returns the URL of a session that a request made: an absolute path
// without the query, which may hold a token and which OBS would escape.
func locationOf(r *http.Request, s *session) string { return r.URL.EscapedPath() + "/" + s.id }

// created answers an offer with the session that was made of it.
func created(w http.ResponseWriter, r *http.Request, s *session) {
	header := w.Header()
	// No parameters: simple-whep-client compares the whole string.
	header.Set("Content-Type", typeSDP)
	header.Set("Location", locationOf(r, s))
	header.Set("ETag", s.tag())
	header.Set("Accept-Patch", typeFragment)
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, s.peer.Answer()) // a client that has gone never connects
}

// maxPatience bounds ?wait.
const maxPatience = 10 * time.Minute

// patience returns how long the viewer would wait for a publisher.
func (h *Handler) patience(r *http.Request) (time.Duration, error) {
	if !utf8.ValidString(streamOf(r)) {
		return 0, nil // nobody can publish under that name
	}
	query := r.URL.Query()
	if !query.Has("wait") {
		return h.wait, nil
	}
	wait, err := time.ParseDuration(query.Get("wait"))
	if err != nil || wait < 0 {
		return 0, malformed("wait must be a time such as 30s, not %.20q", query.Get("wait"))
	}
	return min(wait, maxPatience), nil
}

// streamOf returns the name of the stream that the URL is about.
func streamOf(r *http.Request) string { return r.PathValue("app") + "/" + r.PathValue("key") }
