//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestRTMPS: ffmpeg publishes over TLS to a server whose certificate it checks,
// OpenSSL agrees with that certificate, and one who does not trust it is told.
func TestRTMPS(t *testing.T) {
	t.Parallel() // with the tests that only wait
	const stream = "live/secret"
	cert, key := selfSigned(t)
	addr := server.FreeTCP(t)
	s := server.Start(t, "--rtmps-addr", addr, "--tls-cert", cert, "--tls-key", key)

	out, err := exec.Command("openssl", "s_client", "-connect", addr, "-CAfile", cert, "-verify_return_error", "-brief").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Verification: OK") || !strings.Contains(string(out), "TLSv1.3") {
		t.Errorf("openssl s_client: %v\n%s", err, out)
	}

	url := "rtmps://" + addr + "/" + stream
	refused := source.FFmpeg{Output: []string{"-tls_verify", "1"}}.Publish(t, url)
	if err := refused.Wait(10 * time.Second); err == nil {
		t.Error("ffmpeg published to a server that it does not trust")
	}
	publisher := source.FFmpeg{Output: []string{"-tls_verify", "1", "-ca_file", cert}}.Publish(t, url)
	live := s.WaitLive(stream)
	if encoder, _ := live.Metadata["encoder"].(string); !strings.HasPrefix(encoder, "Lavf") || live.Metadata["width"] != 640.0 {
		t.Errorf("the stream list has the metadata %v", live.Metadata)
	}
	v := viewer.Join(t, s.WHEP(stream))
	v.Playing(90)
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	if ended, err := publisher.Ended(); ended {
		t.Errorf("ffmpeg ended: %v\n%s", err, publisher.Output())
	}
	if n := s.Scrape().Sum("sluice_ingest_refusals_total", server.Label("reason", "tls")); n != 1 {
		t.Errorf("%v handshakes are counted as failed, want 1", n)
	}
}

// selfSigned makes a certificate of 127.0.0.1 with OpenSSL.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	p := proc.Start(t, "openssl", strings.Fields("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"+
		" -addext subjectAltName=IP:127.0.0.1 -out "+cert+" -keyout "+key)...)
	if err := p.Wait(time.Minute); err != nil {
		t.Fatalf("openssl req: %v\n%s", err, p.Output())
	}
	return cert, key
}
