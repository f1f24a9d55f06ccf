package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/rtc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a Handler behind a real HTTP server.
func site(t *testing.T, tcp string) (url string, h *Handler) {
	t.Helper()
	transport, err := rtc.Listen(rtc.Config{UDPAddr: "127.0.0.1:0", TCPAddr: tcp})
	if err != nil {
		t.Fatal(err)
	}
	h = New(transport, func(host string) []ICEServer { return []ICEServer{{URLs: "stun:" + host}} })
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		_ = h.Close()
		_ = transport.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return server.URL, h
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestTry(t *testing.T) {
	url, _ := site(t, "127.0.0.1:0")
	candidates, servers, err := Offered(patient(t), url)
	if err != nil || len(candidates) != 2 || len(servers) != 1 || servers[0].URLs != "stun:"+strings.TrimPrefix(url, "http://") {
		t.Errorf("offered are %q and %v, %v", candidates, servers, err)
	}
	for _, transport := range []string{"udp", "tcp"} {
		if took, err := Try(patient(t), url, Way{Transport: transport}); err != nil || took <= 0 {
			t.Errorf("%s: %v, %v", transport, took, err)
		}
	}
}

func TestTryFails(t *testing.T) {
	url, _ := site(t, "")
	if _, err := Try(patient(t), url, Way{Transport: "tcp"}); !errors.Is(err, ErrNoWay) {
		t.Errorf("TCP that is not offered: %v", err)
	}
	for turn, want := range map[string]bool{
		"turn:[::1]:3478?transport=udp": false, "turn:127.0.0.1:3478": true, "turns:[::ffff:127.0.0.1]:443": true, "turn:nowhere.invalid": true,
	} {
		if got := hasIPv4(patient(t), turn); got != want {
			t.Errorf("%s has an IPv4 address: %t", turn, got)
		}
	}
	if _, err := Try(patient(t), url, Way{Transport: "udp", Relay: ICEServer{URLs: "turn:[::1]:3478"}}); !errors.Is(err, ErrUntried) {
		t.Errorf("TURN over IPv6: %v", err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if _, err := Try(patient(t), other.URL, Way{Transport: "udp"}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("another server: %v", err)
	}
}

// Bad requests cost nothing, and one address cannot have all sessions.
func TestSessions(t *testing.T) {
	url, h := site(t, "")
	post := func(body string) int {
		resp, err := http.Post(url, "application/sdp", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for body, want := range map[string]int{"": 400, "v=0": 400, strings.Repeat("v", maxOffer+1): 400} {
		for range maxPerHost + 1 {
			if got := post(body); got != want {
				t.Fatalf("%.10q: %d, want %d", body, got, want)
			}
		}
	}
	for i := range maxPerHost + 1 {
		_, _, err := Offered(patient(t), url)
		if fits := i < maxPerHost; fits != (err == nil) {
			t.Fatalf("session %d: %v", i, err)
		}
	}
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	if err := h.Close(); err != nil { // ends sessions that never connected
		t.Error(err)
	}
	if got := post("v=0\r\n"); got == http.StatusOK {
		t.Errorf("after Close: %d", got)
	}
}
