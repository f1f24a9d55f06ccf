package whip

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, st := newHandlerOf(Config{JoinsPerSecond: 2})
		const far, farther = "192.0.2.1:5", "[2001:db8::1]:5"
		bad := post(endpoint, "an offer, please") // limits count what fails, too
		many := func(from string, q request, n int) (last int, after string) {
			for range n {
				w := serveFrom(h, from, q)
				last, after = w.Code, w.Header().Get("Retry-After")
			}
			return last, after
		}
		joins := 2 * joinBurst
		if got, _ := many(far, bad, joins); got != 400 {
			t.Errorf("A9.68 request %d: %d", joins, got)
		}
		if got, after := many(far, bad, 1); got != 429 || after != "1" {
			t.Errorf("A9.68 one POST too many: %d, Retry-After %q", got, after)
		}
		if got, _ := many(farther, bad, 1); got != 400 {
			t.Errorf("another address: %d", got)
		}
		if got, _ := many("127.0.0.1:5", bad, 10*joins); got != 400 {
			t.Errorf("this machine: %d", got)
		}
		if got, _ := many(far, request{method: "OPTIONS", path: endpoint}, 1); got != 200 {
			t.Errorf("a preflight of the same address: %d", got)
		}
		time.Sleep(500 * time.Millisecond)
		if got, _ := many(far, bad, 1); got != 400 {
			t.Errorf("half a second later: %d", got)
		}
		for _, method := range []string{"PATCH", "DELETE"} {
			from := fmt.Sprintf("192.0.2.%d:5", len(method))
			q := request{method: method, path: endpoint + "/x"}
			if got, _ := many(from, q, joins*changesPerJoin); got != 404 {
				t.Errorf("A9.68 %s: %d", method, got)
			}
			if got, after := many(from, q, 1); got != 429 || after != "1" {
				t.Errorf("A9.68 one %s too many: %d, Retry-After %q", method, got, after)
			}
		}
		st.checkRefusals(t, map[string]float64{refusedJoins: 1, refusedChanges: 2})
		_ = h.Close()
	})
}

// checkRefusals compares the refusals that are counted.
func (s *stage) checkRefusals(t *testing.T, want map[string]float64) {
	t.Helper()
	for reason, n := range want {
		if got := s.sample(t, "sluice_whep_refusals_total", reason); got != n {
			t.Errorf("%v refusals for %s are counted, want %v", got, reason, n)
		}
	}
}

func TestSessionsOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, st := newHandlerOf(Config{MaxPerAddress: 2})
		offer := post(endpoint, chromium(t))
		join := func(from string) int { return serveFrom(h, from, offer).Code }
		if a, b := join("192.0.2.1:1"), join("192.0.2.1:2"); a != 201 || b != 201 {
			t.Errorf("%d, %d", a, b)
		}
		w := serveFrom(h, "192.0.2.1:3", offer)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "10" {
			t.Errorf("A9.68 a third: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		st.checkRefusals(t, map[string]float64{refusedSessions: 1})
		if got := join("192.0.2.2:1"); got != 201 {
			t.Errorf("of another address: %d", got)
		}
		st.viewers[0].end(nil)
		synctest.Wait()
		if got := join("192.0.2.1:4"); got != 201 {
			t.Errorf("after one has left: %d", got)
		}
		for range 3 { // what is refused is not counted
			if w := serveFrom(h, "192.0.2.3:1", post(endpoint, "an offer, please")); w.Code != 400 {
				t.Errorf("a bad offer: %d", w.Code)
			}
		}
		if got := join("192.0.2.3:1"); got != 201 {
			t.Errorf("after bad offers: %d", got)
		}
		_ = h.Close()
	})
}

func TestOrigins(t *testing.T) {
	h, _ := newHandlerOf(Config{Origins: []string{"https://club.example"}})
	defer h.Close()
	for _, c := range []struct {
		origin, host, forwarded string
		status                  int
		allow                   string
	}{
		{"", "sluice.example", "", 201, ""},
		{"https://club.example", "sluice.example", "", 201, "https://club.example"},
		{"HTTPS://Club.example", "sluice.example", "", 201, "HTTPS://Club.example"},
		{"https://sluice.example", "sluice.example", "", 201, "https://sluice.example"},
		{"https://sluice.example", "10.0.0.1:8080", "sluice.example", 201, "https://sluice.example"},
		{"https://evil.example", "sluice.example", "", 403, ""},
		{"https://club.example.evil.example", "sluice.example", "", 403, ""},
		{"http://club.example", "sluice.example", "", 403, ""},
		{"null", "sluice.example", "", 403, ""},
	} {
		q := post("http://"+c.host+endpoint, chromium(t)).with("Origin", c.origin)
		if c.origin == "" {
			q.header.Del("Origin")
		}
		if c.forwarded != "" {
			q = q.with("X-Forwarded-Host", c.forwarded)
		}
		w := serve(h, q)
		if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != c.status || got != c.allow || w.Header().Get("Vary") != "Origin" {
			t.Errorf("%q: %d, allowed %q; want %d, %q", c.origin, w.Code, got, c.status, c.allow)
		}
		q.method = http.MethodOptions
		if w := serve(h, q); w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != c.allow {
			t.Errorf("preflight of %q: %d %v", c.origin, w.Code, w.Header())
		}
	}
}
