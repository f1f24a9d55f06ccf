package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/ingest/rtmptest"
)

// request sends one and follows no redirect.
func request(t *testing.T, method, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}
	resp, err := transport.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	return resp, err
}

// The page is served over HTTP/2, and HTTP leads there, with its method.
func TestHTTPS(t *testing.T) {
	cert, key := rtmptest.WriteCertificate(t, t.TempDir(), 1)
	g := startGateway(t, "--video-only", "--https-addr=127.0.0.1:0", "--tls-cert="+cert, "--tls-key="+key)
	if !strings.HasPrefix(g.ready.Page, "https://127.0.0.1:") {
		t.Fatalf("the page is at %s", g.ready.Page)
	}
	resp, err := request(t, http.MethodGet, g.ready.Page)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Proto != "HTTP/2.0" {
		t.Errorf("%+v, %v", resp, err)
	}
	resp, err = request(t, http.MethodPost, g.ready.HTTP+"whep/live/show?a=b")
	if want := g.ready.Page + "whep/live/show?a=b"; err != nil || resp.StatusCode != http.StatusPermanentRedirect || resp.Header.Get("Location") != want {
		t.Errorf("HTTP leads to %+v, %v; want %s", resp, err, want)
	}
	g.stop()
	if code := g.exitCode(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestToHTTPS(t *testing.T) {
	for _, c := range []struct {
		host, public string
		port         int
		want         string
	}{
		{"show.example:80", "", 443, "https://show.example/a%2Fb?c"},
		{"show.example", "", 8443, "https://show.example:8443/a%2Fb?c"},
		{"[2001:db8::1]:80", "", 443, "https://[2001:db8::1]/a%2Fb?c"},
		{"[2001:db8::1]", "", 8443, "https://[2001:db8::1]:8443/a%2Fb?c"},
		{"10.0.0.1:8080", "https://show.example/tv/", 8443, "https://show.example/tv/a%2Fb?c"},
	} {
		var public *url.URL
		if c.public != "" {
			public, _ = url.Parse(c.public)
		}
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "/a%2Fb?c", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		w := httptest.NewRecorder()
		toHTTPS(public, &net.TCPAddr{Port: c.port}, http.NotFoundHandler()).ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		r.Header.Set("X-Forwarded-Proto", "https")
		w = httptest.NewRecorder()
		toHTTPS(public, &net.TCPAddr{Port: c.port}, http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("%+v: who comes over HTTPS gets %d", c, w.Code)
		}
	}
}
