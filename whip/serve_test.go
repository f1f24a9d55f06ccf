package whip

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/egress"
)

// site is a Handler behind a real HTTP server.
type site struct {
	*stage
	handler *Handler
	server  *egress.Server // nil: a stage instead
	url     string
	client  *http.Client
}

func newSite(t *testing.T) *site {
	h, st := newHandler()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		_ = h.Close()
	})
	return &site{st, h, nil, server.URL, server.Client()}
}

// reply is a response read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

func (s *site) do(t *testing.T, q request) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), q.method, s.url+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	if q.body == "" {
		req.Body = http.NoBody
	}
	req.Header = q.header.Clone()
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(body)}
}

// join makes a session and returns its path.
func (s *site) join(t *testing.T) (path string, r reply) {
	t.Helper()
	r = s.do(t, post("/whep/live/cam", chromium(t)))
	if r.status != http.StatusCreated {
		t.Fatalf("POST: %d %s", r.status, r.body)
	}
	return r.header.Get("Location"), r
}
