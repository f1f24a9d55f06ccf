package turn

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// HTTP/2, HTTP/1.1 and TURN, with and without their names in the handshake,
// come to where they belong through one port.
func TestSplit(t *testing.T) {
	donor := httptest.NewTLSServer(nil) // for its certificate
	donor.Close()
	config := &tls.Config{Certificates: donor.TLS.Certificates, NextProtos: []string{"h2", "http/1.1", ALPN}} //nolint:gosec // Go's default version
	shared := listenTCP(t)
	https, turns := Split(shared, config)
	server := &http.Server{
		ReadHeaderTimeout: patience, TLSConfig: config,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(https) }()
	w := newWorld(t, func(c *Config) {
		_ = c.TLS.Close()
		c.TLS = turns
	})

	trusting := func(protocols ...string) *tls.Config {
		return &tls.Config{InsecureSkipVerify: true, NextProtos: protocols} //nolint:gosec // the test's own server
	}
	for _, c := range []struct {
		name, want string
		config     *tls.Config
		http2      bool
	}{
		{"HTTP/2", "HTTP/2.0", trusting(), true},
		{"HTTP/1.1", "HTTP/1.1", trusting("http/1.1"), false},
		{"HTTP without a name", "HTTP/1.1", trusting(), false},
	} {
		transport := &http.Transport{TLSClientConfig: c.config, ForceAttemptHTTP2: c.http2, DisableKeepAlives: true}
		if !c.http2 {
			transport.DialTLSContext = func(context.Context, string, string) (net.Conn, error) {
				return tls.Dial("tcp", shared.Addr().String(), c.config)
			}
		}
		resp, err := (&http.Client{Transport: transport}).Get("https://" + shared.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(got) != c.want {
			t.Errorf("%s is served as %q, want %s", c.name, got, c.want)
		}
	}
	for name, config := range map[string]*tls.Config{"TURN": trusting(), "TURN by its name": trusting(ALPN)} {
		user, password := w.config.Credentials.Issue()
		relay, err := w.client(dial(t, shared.Addr(), config), user, password).Allocate()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !echoes(t, relay, w.media, patience) {
			t.Errorf("%s: no echo", name)
		}
		relay.Close()
	}
	// Who says nothing holds up nobody, and Close neither.
	silent, err := tls.Dial("tcp", shared.Addr().String(), trusting())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()

	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = server.Shutdown(ctx)
	_ = server.Close()
	<-served
}
