package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/ingest/rtmptest"
)

// The certificate of every port is that of the files, also when they have changed;
// half a renewal leaves the pair that there was, until the other half comes.
func TestCertificateIsReadAgain(t *testing.T) {
	for name, turn := range map[string]string{"HTTPS and TURN share a port": "127.0.0.1:0", "each has its own": "127.0.0.2:0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cert, key := rtmptest.WriteCertificate(t, dir, 1)
			g := startGateway(t, "--video-only", "--rtmps-addr=127.0.0.1:0", "--https-addr=127.0.0.1:0", "--turn-tls-addr="+turn,
				"--tls-cert="+cert, "--tls-key="+key)
			ports := tlsPorts(t, g, turn)
			check := func(serial int64) {
				t.Helper()
				for name, port := range ports {
					conn, err := tls.Dial("tcp", port, &tls.Config{InsecureSkipVerify: true})
					if err != nil {
						t.Fatal(err)
					}
					if got := conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != serial {
						t.Errorf("%s has certificate %d, want %d", name, got, serial)
					}
					conn.Close()
				}
			}
			check(1)
			rtmptest.WriteCertificate(t, dir, 2)
			g.until("TLS certificate renewed")
			check(2)
			if err := os.WriteFile(key, []byte("half a key"), 0o600); err != nil {
				t.Fatal(err)
			}
			g.until("the TLS certificate stays as it was")
			check(2)
			rtmptest.WriteCertificate(t, dir, 3)
			g.until("TLS certificate renewed")
			check(3)

			_, body := get(g.ready.Admin + "metrics")
			seconds := expiry(t, cert).Unix()
			if want := fmt.Sprintf("\nsluice_tls_certificate_expiry_timestamp_seconds %g\n", float64(seconds)); !strings.Contains(body, want) {
				t.Errorf("the metrics do not tell that the certificate expires at %d", seconds)
			}
			g.stop()
			if code := g.exitCode(); code != exitOK {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// tlsPorts are the addresses of a gateway's TLS servers.
func tlsPorts(t *testing.T, g *gatewayInTest, turn string) map[string]string {
	t.Helper()
	ports := map[string]string{}
	for name, at := range map[string]string{"RTMPS": g.ready.RTMPS, "HTTPS": g.ready.Page} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		ports[name] = u.Host
	}
	at, _, _ := strings.Cut(g.ready.TURN, "?")
	host, _, _ := net.SplitHostPort(turn)
	ports["TURN"] = net.JoinHostPort(host, at[strings.LastIndexByte(at, ':')+1:])
	return ports
}

// expiry is when the certificate of a file ends to be valid.
func expiry(t *testing.T, cert string) time.Time {
	t.Helper()
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c.NotAfter
}

func TestCertificateThatCannotBeRead(t *testing.T) {
	cert, _ := rtmptest.WriteCertificate(t, t.TempDir(), 1)
	_, key := rtmptest.WriteCertificate(t, t.TempDir(), 2)
	for _, c := range []struct{ name, cert, key, want string }{
		{"no file", "/nowhere/cert.pem", key, "/nowhere/cert.pem"},
		{"another's key", cert, key, "private key does not match"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var stderr strings.Builder
			code := run(ctx, flags("--video-only", "--rtmps-addr=127.0.0.1:0", "--tls-cert="+c.cert, "--tls-key="+c.key), io.Discard, &stderr)
			if code != exitFailure || !strings.Contains(stderr.String(), "--tls-cert") || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit code %d, says %s, want %q", code, &stderr, c.want)
			}
		})
	}
}
