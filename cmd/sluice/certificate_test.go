package main

import (
	"context"
	"crypto/tls"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/ingest/rtmptest"
)

// The certificate is that of the files, also when they have changed; half a
// renewal leaves the pair that there was.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := rtmptest.WriteCertificate(t, dir, 1)
	g := startGateway(t, "--video-only", "--rtmps-addr=127.0.0.1:0", "--tls-cert="+cert, "--tls-key="+key)
	rtmps, err := url.Parse(g.ready.RTMPS)
	if err != nil {
		t.Fatal(err)
	}
	check := func(serial int64) {
		t.Helper()
		conn, err := tls.Dial("tcp", rtmps.Host, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if got := conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != serial {
			t.Errorf("certificate %d, want %d", got, serial)
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
	if _, body := get(g.ready.Admin + "metrics"); !strings.Contains(body, "\nsluice_tls_certificate_expiry_timestamp_seconds ") {
		t.Error("the metrics do not tell when the certificate expires")
	}
	g.stop()
	if code := g.exitCode(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
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
