package whip

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-media/sluice/egress"
)

// serve answers a request without a connection, for tests with a made clock.
func serve(h *Handler, q request) *httptest.ResponseRecorder { return serveFrom(h, "127.0.0.1:1", q) }

// serveFrom answers a request of another address.
func serveFrom(h *Handler, from string, q request) *httptest.ResponseRecorder {
	r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	r.RemoteAddr, r.Header = from, q.header
	if r.Header == nil {
		r.Header = http.Header{}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func open(t *testing.T, h *Handler) (path string) {
	t.Helper()
	w := serve(h, post("/whep/live/cam", chromium(t)))
	if w.Code != http.StatusCreated {
		t.Fatalf("POST: %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

func codes(h *Handler, path string, methods ...string) string {
	var list []string
	for _, m := range methods {
		q := patch(path, "a=end-of-candidates\r\n")
		q.method = m
		list = append(list, fmt.Sprint(serve(h, q).Code))
	}
	return strings.Join(list, " ")
}

func TestEnds(t *testing.T) {
	cases := []struct {
		name  string
		end   func(*fakeViewer, *Handler, string)
		label string
		wait  time.Duration
		want  string // DELETE, DELETE, GET, PATCH
	}{
		{"A6.54 deleted", deleted, endDeleted, 0, "404 404 404 404"},
		{"A6.55 closed by the peer just now", cause(egress.ErrViewerLeft), endLeft, 0, "200 404 404 404"},
		{"A6.55 closed by the peer 4.9 s ago", cause(egress.ErrViewerLeft), endLeft, 4900 * time.Millisecond, "200 404 404 404"},
		{"A6.55 closed by the peer 5.1 s ago", cause(egress.ErrViewerLeft), endLeft, 5100 * time.Millisecond, "404 404 404 404"},
		{"A6.58 vanished", cause(egress.ErrConsentLost), endConsentLost, 0, "200 404 404 404"},
		{"A6.58 never connected", cause(egress.ErrNeverConnected), endNeverConnected, 6 * time.Second, "404 404 404 404"},
		{"A6.59 stream ended", cause(fmt.Errorf("x: %w", egress.ErrStreamEnded)), endStreamEnded, 0, "200 404 404 404"},
		{"server closed", cause(egress.ErrClosed), endServerClosed, 0, "200 404 404 404"},
		{"else", cause(errors.New("?")), endOther, 0, "200 404 404 404"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, st := newHandler()
				path := open(t, h)
				if got := codes(h, path, "GET", "PATCH"); got != "204 204" {
					t.Errorf("while it lives: %s", got)
				}
				c.end(st.last(t), h, path)
				synctest.Wait()
				time.Sleep(c.wait)
				synctest.Wait()
				if got := codes(h, path, "DELETE", "DELETE", "GET", "PATCH"); got != c.want {
					t.Errorf("DELETE, DELETE, GET, PATCH: %s, want %s", got, c.want)
				}
				if n := st.sample(t, "sluice_whep_sessions_ended_total", c.label); n != 1 {
					t.Errorf("%v ends counted as %s, want 1", n, c.label)
				}
				if n := st.sample(t, "sluice_whep_sessions"); n != 0 {
					t.Errorf("%v sessions are open", n)
				}
				_ = h.Close()
			})
		})
	}
}

func cause(err error) func(*fakeViewer, *Handler, string) {
	return func(v *fakeViewer, _ *Handler, _ string) { v.end(err) }
}

func deleted(_ *fakeViewer, h *Handler, path string) { codes(h, path, "DELETE") }

// A tombstone is not a leak: nothing is left of a session after its time.
func TestTableForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, st := newHandler()
		for range 10 {
			open(t, h)
			st.last(t).end(egress.ErrViewerLeft)
		}
		synctest.Wait()
		if got := size(&h.sessions); got != [2]int{0, 10} {
			t.Errorf("sessions and tombstones: %d, want 0 and 10", got)
		}
		time.Sleep(tombstone)
		synctest.Wait()
		if got := size(&h.sessions); got != [2]int{} {
			t.Errorf("sessions and tombstones: %d, want none", got)
		}
		_ = h.Close()
	})
}

func size(t *table) [2]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return [2]int{len(t.live), len(t.graves)}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, st := newHandler()
		path, left := open(t, h), open(t, h)
		st.last(t).end(egress.ErrViewerLeft)
		synctest.Wait()

		_ = h.Close()
		if n := st.sample(t, "sluice_whep_sessions_ended_total", endDeleted); n != 1 {
			t.Error("Close did not wait for the session's end")
		}
		if got := codes(h, path, "GET", "DELETE") + " " + codes(h, left, "DELETE"); got != "404 404 404" {
			t.Errorf("GET, DELETE after Close: %s", got)
		}
		if w := serve(h, post("/whep/live/cam", chromium(t))); w.Code != http.StatusServiceUnavailable {
			t.Errorf("POST after Close: %d, want 503", w.Code)
		}
		if v := st.last(t); v.ctx.Err() == nil {
			t.Error("the viewer of a refused POST was not closed")
		}
	})
}

func TestLogKeepsSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, st := newHandler()
		var log bytes.Buffer
		h.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		offer := chromium(t)
		w := serve(h, post("/whep/live/cam?token=secret", offer))
		path := w.Header().Get("Location")
		serve(h, patch(path, trickled))
		st.last(t).end(egress.ErrViewerLeft)
		synctest.Wait()
		_, id, _ := strings.Cut(path, "/whep/live/cam/")
		pwd := regexp.MustCompile(`a=ice-pwd:(\S+)`).FindStringSubmatch(offer)[1]
		for _, secret := range []string{"secret", id, pwd, ufragOf(offer), w.Header().Get("ETag")} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("A9.68 A3.25 %q is in the log:\n%s", secret, log.String())
			}
		}
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines for one session, want 2:\n%s", n, log.String())
		}
		_ = h.Close()
	})
}

func TestParallelDelete(t *testing.T) {
	h, _ := newHandler()
	path := open(t, h)
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			w := serve(h, request{method: "DELETE", path: path})
			mu.Lock()
			defer mu.Unlock()
			got[w.Code]++
		})
	}
	wg.Wait()
	if got[200] != 1 || got[404] != 9 {
		t.Errorf("A6.54 10 parallel DELETEs: %v", got)
	}
	_ = h.Close()
}
