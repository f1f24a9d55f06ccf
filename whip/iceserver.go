package whip

import (
	"fmt"
	"net/http"
	"strings"
)

// ICEServer is a STUN or TURN server that viewers and publishers may use.
type ICEServer struct {
	URL string // such as turn:host:3478?transport=udp (RFC 7065, RFC 7064)

	// Username and Credential are of TURN servers. Like the URL they hold no
	// comma, semicolon, quote or angle bracket: some clients split at those.
	Username, Credential string
}

// link is the value of a Link header (draft-ietf-wish-whep §4.8), with its
// parameters in the one order that every client parses: MediaMTX's reader.js
// matches it by one regular expression.
func (s ICEServer) link() string {
	l := fmt.Sprintf(`<%s>; rel="ice-server"`, s.URL)
	if s.Username == "" {
		return l
	}
	return l + fmt.Sprintf(`; username="%s"; credential="%s"; credential-type="password"`, s.Username, s.Credential)
}

// parsable reports whether clients can read the link.
func (s ICEServer) parsable() bool {
	return !strings.ContainsAny(s.URL+s.Username+s.Credential, ",;\"'<> \r\n")
}

// linkServers tells a client of the ICE servers, one header line for each.
func (d *door) linkServers(header http.Header, r *http.Request) {
	if d.iceServers == nil {
		return
	}
	for _, s := range d.iceServers(visit(r)) {
		if s.parsable() {
			header.Add("Link", s.link())
		}
	}
}

// offerServers adds the ICE servers to a plain OPTIONS, where reader.js,
// simple-whep-client and GStreamer's whipclientsink look for them, if the asker
// may know of the stream. A preflight, which carries no token, gets none.
func (d *door) offerServers(knows func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		preflight := r.Header.Get("Access-Control-Request-Method") != ""
		if r.Method == http.MethodOptions && !preflight && knows(r) {
			d.linkServers(w.Header(), r)
		}
		next.ServeHTTP(w, r)
	})
}

// knows reports whether the request's maker may know of the stream that it is
// about.
func (h *Handler) knows(r *http.Request) bool {
	return h.known == nil || len(h.known(r.Context(), visit(r), []string{streamOf(r)})) > 0
}

// knows reports whether the request's maker may publish.
func (i *Ingest) knows(r *http.Request) bool {
	return i.known == nil || i.known(r.Context(), visit(r))
}
