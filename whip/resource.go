package whip

import "net/http"

// resource is /whep/{app}/{key}/{session} (draft-ietf-wish-whep §4.4, 4.5), or
// the same under /whip/ (RFC 9725 §4.2, 4.3).
func (d *door) resource() http.Handler {
	return with("Accept-Patch", typeFragment, methods{
		http.MethodPatch:  d.changing(d.patch),
		http.MethodDelete: d.changing(d.leave),
		http.MethodGet:    d.probe,
		http.MethodHead:   d.probe,
	})
}

// session returns the session that the URL is about.
func (d *door) session(r *http.Request) (*session, error) {
	if s := d.sessions.find(keyOf(streamOf(r), r.PathValue("session"))); s != nil {
		return s, nil
	}
	return nil, errNoSession()
}

func errNoSession() error { return refuse(http.StatusNotFound, "no such session") }

// probe answers GET and HEAD.
func (d *door) probe(w http.ResponseWriter, r *http.Request) error {
	s, err := d.session(r)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", s.tag())
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// leave ends the session; If-Match is ignored, simple-whep-client sends it.
func (d *door) leave(w http.ResponseWriter, r *http.Request) error {
	s, ok := d.sessions.take(keyOf(streamOf(r), r.PathValue("session")))
	if !ok {
		return errNoSession()
	}
	if s != nil {
		_ = s.peer.Close() // it is gone, however it went
	}
	w.WriteHeader(http.StatusOK) // exactly: OBS takes anything else for a failure
	return nil
}
