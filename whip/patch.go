package whip

import (
	"io"
	"net/http"
	"strings"

	"github.com/sluice-media/sluice/rtc"
)

// patch trickles candidates or restarts ICE: the latter when the body's
// ice-ufrag is another than the session's (RFC 8840 §9, RFC 8839 §5.4,
// draft-ietf-wish-whep §4.5).
func (d *door) patch(w http.ResponseWriter, r *http.Request) error {
	s, err := d.session(r)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if frag.ufrag != "" && frag.ufrag != s.ufrag {
		return s.restart(w, r.Header.Values("If-Match"), frag)
	}
	return s.trickle(w, r.Header.Values("If-Match"), frag)
}

// trickle adds candidates. Without If-Match too, though the draft asks for
// 428, because whip-whep sends none. Preconditions come last: RFC 9110 §13.2.1
// wants one looked at only where the request would succeed without it.
func (s *session) trickle(w http.ResponseWriter, ifMatch []string, frag fragment) error {
	if len(ifMatch) > 0 && !matches(ifMatch, s.etag) {
		return errStale()
	}
	s.add(frag.candidates)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// restart restarts ICE and answers with the server's new credentials and a new
// entity tag; media goes on. Here If-Match is required.
func (s *session) restart(w http.ResponseWriter, ifMatch []string, frag fragment) error {
	if err := checkCredentials(frag.ufrag, frag.pwd); err != nil {
		return err
	}
	switch {
	case len(ifMatch) == 0:
		return refuse(http.StatusPreconditionRequired, "an ICE restart needs If-Match: *")
	case !matches(ifMatch, s.etag):
		return errStale()
	}
	made, err := s.peer.RestartICE(frag.ufrag, frag.pwd)
	if err != nil {
		s.log.Debug("ICE restart failed", "error", err)
		return err
	}
	s.ufrag, s.etag = frag.ufrag, newTag()
	s.add(frag.candidates)
	header := w.Header()
	header.Set("Content-Type", typeFragment)
	header.Set("ETag", s.etag)
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, restarted(made)) // a client that has gone never connects
	return nil
}

// add gives the peer candidates. Kinds that cannot be used, and more than a
// bounded number, it ignores; an error means that it is ending.
func (s *session) add(candidates []string) {
	for _, c := range candidates {
		if err := s.peer.AddCandidate(c); err != nil {
			s.log.Debug("candidate not used", "error", err)
		}
	}
}

// restarted is the answer to a restart. Credentials stand at session level,
// where every client looks, and only the best candidate follows them: whip-whep
// joins several with commas and fails.
func restarted(made rtc.ICE) string {
	lines := []string{"a=ice-options:trickle", "a=ice-ufrag:" + made.Ufrag, "a=ice-pwd:" + made.Pwd}
	if len(made.Candidates) > 0 {
		lines = append(lines, "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", "a="+made.Candidates[0])
	}
	return strings.Join(append(lines, "a=end-of-candidates"), "\r\n") + "\r\n"
}

func errStale() error {
	return refuse(http.StatusPreconditionFailed, "If-Match is not the session's ETag")
}

// matches evaluates If-Match (RFC 9110 §13.1.1). "*" in quotes matches as well,
// as the draft's example prints it.
func matches(fields []string, etag string) bool {
	for tag := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		switch strings.TrimSpace(tag) {
		case etag, "*", `"*"`:
			return true
		}
	}
	return false
}
