//go:build e2e && acme

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/server"
)

// TestACME: Sluice gets a certificate from Pebble, Let's Encrypt's ACME server
// for tests, once by each of the challenges that it can answer, and keeps it
// over a restart.
func TestACME(t *testing.T) {
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			secure, plain := server.FreeTCP(t), server.FreeTCP(t)
			http01, alpn := plain, server.FreeTCP(t) // where nobody listens
			if challenge == "tls-alpn-01" {
				http01, alpn = alpn, secure
			}
			directory, roots := startPebble(t, http01, alpn)
			folder := t.TempDir()
			flags := []string{
				"--http-addr", plain, "--https-addr", secure, "--acme-domain", "show.example",
				"--acme-directory", directory, "--acme-folder", folder,
			}
			s := server.Start(t, flags...)
			first := acmeCertificate(t, secure, roots)
			if names := first.DNSNames; len(names) != 1 || names[0] != "show.example" {
				t.Errorf("the certificate is of %v", names)
			}
			if at := s.Scrape().Sum("sluice_tls_certificate_expiry_timestamp_seconds"); at != float64(first.NotAfter.Unix()) {
				t.Errorf("the metrics say that it expires at %v, it does at %v", at, first.NotAfter)
			}
			if _, err := s.Terminate(); err != nil {
				t.Fatal(err)
			}
			server.Start(t, flags...)
			if again := acmeCertificate(t, secure, roots); !again.Equal(first) {
				t.Error("after a restart the certificate is another one")
			}
		})
	}
}

// startPebble starts Pebble ($PEBBLE) and the DNS server of its tests, for which
// every name is this machine's. It checks the two challenges at two addresses.
func startPebble(t *testing.T, http01, alpn string) (directory string, roots *x509.CertPool) {
	t.Helper()
	cert, key := selfSigned(t)
	t.Setenv("SSL_CERT_FILE", cert) // by which Sluice trusts Pebble's own port
	api, management, dns := server.FreeTCP(t), server.FreeTCP(t), server.FreeTCP(t)
	config := map[string]any{
		"listenAddress": api, "managementListenAddress": management, "certificate": cert, "privateKey": key,
		"httpPort": portOf(t, http01), "tlsPort": portOf(t, alpn),
		"profiles": map[string]any{"default": map[string]any{"description": "the usual", "validityPeriod": 7776000}},
	}
	text, err := json.Marshal(map[string]any{"pebble": config})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pebble.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	pebble := os.Getenv("PEBBLE")
	proc.Start(t, pebble+"-challtestsrv", "-dnsserver", dns, "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "",
		"-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-management", server.FreeTCP(t))
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	proc.Start(t, pebble, "-config", file, "-dnsserver", dns)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	roots = x509.NewCertPool()
	await.Success(t, 20*time.Second, func() error {
		resp, err := client.Get("https://" + management + "/roots/0")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		pem, err := io.ReadAll(resp.Body)
		if err == nil && !roots.AppendCertsFromPEM(pem) {
			err = fmt.Errorf("pebble's root is %s", pem)
		}
		return err
	})
	return "https://" + api + "/dir", roots
}

// acmeCertificate returns the certificate of show.example, which must be one of
// the roots'.
func acmeCertificate(t *testing.T, addr string, roots *x509.CertPool) *x509.Certificate {
	t.Helper()
	var leaf *x509.Certificate
	await.Success(t, 60*time.Second, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		conn, err := (&tls.Dialer{Config: &tls.Config{ServerName: "show.example", RootCAs: roots}}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		leaf = conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
		return nil
	})
	return leaf
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return at.Port
}
