package whip

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

func TestAuthorize(t *testing.T) {
	s := newSite(t)
	var left atomic.Int32
	s.handler.authorize = func(_ context.Context, v Visit) (func(), error) {
		switch {
		case v.Token == "often":
			return nil, &Denied{Detail: "too often", RetryAfter: 1500 * time.Millisecond}
		case v.Token != "good":
			return nil, &Denied{Detail: "wrong token"}
		case v.Stream != "live/cam" && v.Stream != "live/none":
			t.Errorf("asked about %q", v.Stream)
		}
		return func() { left.Add(1) }, nil
	}
	offer := post("/whep/live/cam", chromium(t))
	for _, c := range []struct {
		name, field, query string
		status             int
		challenge          string
	}{
		{"A3.23 none", "", "", http.StatusUnauthorized, "Bearer"},
		{"A3.23 wrong", "Bearer bad", "", http.StatusUnauthorized, `Bearer error="invalid_token"`},
		{"A3.23 Bearer", "Bearer good", "", http.StatusCreated, ""},
		{"A3.23 any case", "bEARER  good", "", http.StatusCreated, ""},
		{"A3.23 bare, as Eyevinn sends it", "good", "", http.StatusCreated, ""},
		{"A3.25 in the URL", "", "?token=good", http.StatusCreated, ""},
		{"too often", "Bearer often", "", http.StatusTooManyRequests, ""},
	} {
		q := offer
		q.path += c.query
		if c.field != "" {
			q = q.with("Authorization", c.field)
		}
		r := s.do(t, q)
		if r.status != c.status || r.header.Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d, %q", c.name, r.status, r.header.Get("WWW-Authenticate"))
		}
		if c.status == http.StatusTooManyRequests && r.header.Get("Retry-After") != "2" {
			t.Errorf("retry after %q", r.header.Get("Retry-After"))
		}
		if location := r.header.Get("Location"); location != "" {
			// The session's URL needs no token (reader.js sends none).
			if r := s.do(t, request{method: http.MethodDelete, path: location}); r.status != http.StatusOK {
				t.Errorf("A3.26 %s: DELETE %d", c.name, r.status)
			}
		}
	}
	s.checkRefusals(t, map[string]float64{refusedGuesses: 1})
	// The token is looked at before the offer, and before the stream.
	if r := s.do(t, post("/whep/live/none", "no SDP")); r.status != http.StatusUnauthorized {
		t.Errorf("A3.24 a bad offer without a token: %d", r.status)
	}
	if r := s.do(t, post("/whep/live/none?token=good", chromium(t))); r.status != http.StatusNotFound {
		t.Errorf("no stream: %d", r.status)
	}
	for deadline := time.Now().Add(5 * time.Second); left.Load() < 5 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if n := left.Load(); n != 5 {
		t.Errorf("%d of 5 visits ended", n)
	}
}
