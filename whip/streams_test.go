package whip

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/egress"
)

func TestStreams(t *testing.T) {
	s := newSite(t)
	const cam = `{"name":"live/cam","live":true,"since":"0001-01-01T00:00:00Z","viewers":2}`
	for _, c := range []struct {
		method, path string
		status       int
		body         string // "": not looked at
	}{
		{"GET", "/api/streams", 200, `{"streams":[` + cam + `]}`},
		{"HEAD", "/api/streams", 200, ""},
		{"OPTIONS", "/api/streams", 200, ""},
		{"POST", "/api/streams", 405, ""},
		{"GET", "/api/streams/live/cam", 200, cam},
		{"GET", "/api/streams/live/none", 404, ""},
		{"GET", "/api/streams/live", 404, ""},
		{"GET", "/api/else", 404, ""},
	} {
		got := s.do(t, request{method: c.method, path: c.path})
		if got.status != c.status || c.body != "" && got.body != c.body {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
		}
		if c.status == 200 && c.method != "OPTIONS" &&
			(got.header.Get("Content-Type") != "application/json" || got.header.Get("Cache-Control") != "no-store") {
			t.Errorf("%s %s: %v", c.method, c.path, got.header)
		}
		checkEvery(t, rule{do: request{method: c.method}, status: c.status}, got)
	}
	s.handler.streams = func() []egress.StreamInfo { return nil }
	if got := s.do(t, request{method: "GET", path: "/api/streams"}); got.body != `{"streams":[]}` {
		t.Errorf("without streams: %s", got.body)
	}
}

// What somebody may not watch he does not see.
func TestHiddenStreams(t *testing.T) {
	s := newSite(t)
	s.handler.known = func(_ context.Context, v Visit, streams []string) []string {
		if len(streams) != 1 || streams[0] != "live/cam" {
			t.Errorf("asked about %q", streams)
		}
		if v.Token == "good" {
			return streams
		}
		return nil
	}
	for _, c := range []struct {
		path, token string
		status      int
		listed      bool
	}{
		{"/api/streams", "", 200, false},
		{"/api/streams", "bad", 200, false},
		{"/api/streams", "good", 200, true},
		{"/api/streams/live/cam", "", 404, false},
		{"/api/streams/live/cam", "good", 200, true},
	} {
		got := s.do(t, request{method: "GET", path: c.path, header: http.Header{"Authorization": {"Bearer " + c.token}}})
		if got.status != c.status || strings.Contains(got.body, "live/cam") != c.listed {
			t.Errorf("%s with %q: %d %s", c.path, c.token, got.status, got.body)
		}
	}
}
