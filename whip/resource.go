package whip

import (
	"net/http"
	"strings"
)

// resource is /whep/{app}/{key}/{session} (draft-ietf-wish-whep §4.4, 4.5).
func (h *Handler) resource() http.Handler {
	return with("Accept-Patch", typeFragment, methods{
		http.MethodPatch:  h.trickle,
		http.MethodDelete: h.leave,
		http.MethodGet:    h.probe,
		http.MethodHead:   h.probe,
	})
}

// session returns the session that the URL is about.
func (h *Handler) session(r *http.Request) (*session, error) {
	if s := h.sessions.find(keyOf(streamOf(r), r.PathValue("session"))); s != nil {
		return s, nil
	}
	return nil, errNoSession()
}

func errNoSession() error { return refuse(http.StatusNotFound, "no such session") }

// probe answers GET and HEAD.
func (h *Handler) probe(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", s.etag)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// leave ends the session; If-Match is ignored, simple-whep-client sends it.
func (h *Handler) leave(w http.ResponseWriter, r *http.Request) error {
	s, ok := h.sessions.take(keyOf(streamOf(r), r.PathValue("session")))
	if !ok {
		return errNoSession()
	}
	if s != nil {
		_ = s.viewer.Close() // it is gone, however it went
	}
	w.WriteHeader(http.StatusOK) // exactly: OBS takes anything else for a failure
	return nil
}

// trickle adds candidates (RFC 8840 §9; draft-ietf-wish-whep §4.5.1).
func (h *Handler) trickle(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, typeFragment, maxFragment)
	if err != nil {
		return err
	}
	frag, err := parseFragment(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	if frag.ufrag != "" && frag.ufrag != s.viewer.Ufrag() {
		return refuse(http.StatusUnprocessableEntity, "ICE restart is not supported; make a new session")
	}
	// Last: RFC 9110 §13.2.1 wants a precondition looked at only where the
	// request would succeed without it.
	if !matches(r.Header.Values("If-Match"), s.etag) {
		return refuse(http.StatusPreconditionFailed, "If-Match is not the session's ETag")
	}
	for _, c := range frag.candidates {
		// Kinds that cannot be used, and more than a bounded number, egress
		// ignores; an error means that the viewer is ending.
		if err := s.viewer.AddCandidate(c); err != nil {
			s.log.Debug("candidate not used", "error", err)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// matches evaluates If-Match (RFC 9110 §13.1.1). None matches, though the
// draft asks for 428, because whip-whep sends none; so does "*", in quotes
// too, as the draft's example prints it.
func matches(fields []string, etag string) bool {
	if len(fields) == 0 {
		return true
	}
	for tag := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		switch strings.TrimSpace(tag) {
		case etag, "*", `"*"`:
			return true
		}
	}
	return false
}
