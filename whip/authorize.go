package whip

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Visit is somebody who wants to watch or to publish.
type Visit struct {
	Stream     string // app/key
	Token      string // "": none was given
	RemoteAddr string // host:port
	Host       string // under which it found us; port may follow
	Agent      string
}

// Denied is an error for a viewer who may not watch: 401, or 429 if it says
// when to come back.
type Denied struct {
	Detail     string
	RetryAfter time.Duration
}

// Error implements error.
func (d *Denied) Error() string { return d.Detail }

// visit describes who makes a request.
func visit(r *http.Request) Visit {
	return Visit{Stream: streamOf(r), Token: tokenOf(r), RemoteAddr: r.RemoteAddr, Host: r.Host, Agent: r.UserAgent()}
}

// enter lets a viewer in whose address has not enough sessions already and who
// may watch. The function that it returns is to be called when the viewer has
// left, or was not let in after all.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request) (leave func(), err error) {
	uncount, err := h.count(r)
	if err != nil {
		return nil, err
	}
	done, err := h.admit(w, r)
	if err != nil {
		uncount()
		return nil, err
	}
	return func() { done(); uncount() }, nil
}

// admit asks Config.Authorize.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request) (done func(), err error) {
	if h.authorize == nil {
		return func() {}, nil
	}
	v := visit(r)
	done, err = h.authorize(r.Context(), v)
	return done, h.denied(w, err, v.Token)
}

// denied is what a client is told who is not let in; other errors, and nil, stay
// what they are.
func (d *door) denied(w http.ResponseWriter, err error, token string) error {
	var no *Denied
	if errors.As(err, &no) {
		if no.RetryAfter > 0 {
			d.metrics.Refused(refusedGuesses)
			return tooMany(no.Detail, no.RetryAfter)
		}
		challenge := "Bearer"
		if token != "" { // RFC 6750 §3.1
			challenge = `Bearer error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge) // RFC 9110 §15.5.2
		return refuse(http.StatusUnauthorized, "%s", no.Detail)
	}
	return err
}

// tokenOf returns the credential of a request: of the Authorization header,
// with or without its scheme, because Eyevinn's player sends what its user
// typed; else of the URL (RFC 6750 §2).
func tokenOf(r *http.Request) string {
	field := strings.TrimSpace(r.Header.Get("Authorization"))
	if scheme, token, ok := strings.Cut(field, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if field != "" {
		return field
	}
	return r.URL.Query().Get("token")
}

// Authorizer says whether somebody may watch. It returns what to call when the
// viewer has left, or a *Denied.
type Authorizer func(ctx context.Context, v Visit) (done func(), err error)
