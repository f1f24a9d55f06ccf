package whip

import "net/http"

// resource is /whep/{app}/{key}/{session} (draft-ietf-wish-whep §4.4, 4.5).
func (h *Handler) resource() http.Handler {
	return with("Accept-Patch", typeFragment, methods{
		http.MethodPatch:  often(h.crowd.changes, h.patch),
		http.MethodDelete: often(h.crowd.changes, h.leave),
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
	w.Header().Set("ETag", s.tag())
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
