//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/lab"
	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
	"github.com/sluice-media/sluice/e2e/whip"
)

// network is one that viewers sit in: what its firewall lets out beside the page,
// and the way on which they are then expected to be reached.
type network struct {
	name  string
	allow []string
	way   string
}

var networks = []network{
	{"UDP", []string{"meta l4proto udp", "meta l4proto tcp"}, "udp host"},
	{"ICE-TCP only", []string{"tcp dport 8189"}, "tcp host"},
	{"TURN over UDP only", []string{"udp dport 3478"}, "udp relay"},
	{"TURN over TCP only", []string{"tcp dport 3478"}, "tcp relay"},
	{"TURN over TLS only", []string{"tcp dport 443"}, "tls relay"},
}

// natServer starts Sluice on the server of a lab, with a stream live/show, and
// returns the file with the certificate of its TURN server.
func natServer(t *testing.T, l *lab.Lab, flags ...string) (certificate string) {
	t.Helper()
	s, certificate := startIn(t, l, flags...)
	l.OnServer(t, append([]string{"ffmpeg"}, source.FFmpeg{}.Args("rtmp://127.0.0.1/live/show")...)...)
	await.Success(t, 20*time.Second, func() error {
		if !strings.Contains(s.Output(), "publication") {
			return fmt.Errorf("no stream")
		}
		return nil
	})
	return certificate
}

// startIn starts Sluice without a stream.
func startIn(t *testing.T, l *lab.Lab, flags ...string) (s *proc.Process, certificate string) {
	t.Helper()
	certificate, key := certificateOf(t, lab.Public, lab.PublicIPv6, "127.0.0.1")
	s = l.OnServer(t, append([]string{
		os.Getenv("SLUICE_BIN"), "--http-addr=:8080", "--rtmp-addr=127.0.0.1:1935",
		"--webrtc-public-ip=" + lab.Public, "--webrtc-public-ip=" + lab.PublicIPv6,
		"--turn-addr=:3478", "--turn-tls-addr=:443", "--tls-cert=" + certificate, "--tls-key=" + key,
	}, flags...)...)
	await.Success(t, 10*time.Second, func() error {
		if ended, err := s.Ended(); ended {
			t.Fatalf("sluice ended: %v", err)
		}
		if !strings.Contains(s.Output(), "msg=ready") {
			return fmt.Errorf("sluice is not ready")
		}
		return nil
	})
	return s, certificate
}

// TestReachesEveryViewer watches from behind a NAT, through one firewall after
// the other. The viewer is told of all ways and finds the one that is left.
func TestReachesEveryViewer(t *testing.T) {
	l := lab.New(t)
	certificate := natServer(t, l)
	for _, n := range networks {
		t.Run(n.name, func(t *testing.T) {
			l.Allow(t, append(n.allow, "tcp dport 8080")...)
			watchFrom(t, l, "TestBehindNAT", "NAT_WHEP=http://"+lab.Public+":8080/whep/live/show", "NAT_WAY="+n.way, "SSL_CERT_FILE="+certificate)
		})
	}
}

// TestReachesViewersOverIPv6 watches from a machine with IPv6 alone, and from one
// with both whose IPv4 gets no UDP out.
func TestReachesViewersOverIPv6(t *testing.T) {
	l := lab.New(t)
	natServer(t, l)
	l.GiveIPv6(t)
	whep := "http://[" + lab.PublicIPv6 + "]:8080/whep/live/show"
	t.Run("both", func(t *testing.T) {
		l.Allow(t, "meta nfproto ipv6", "tcp dport 8080")
		watchFrom(t, l, "TestBehindNAT", "NAT_WHEP=http://"+lab.Public+":8080/whep/live/show", "NAT_WAY=udp host")
	})
	l.TakeIPv4(t)
	for _, n := range networks[:2] { // pion's client knows no TURN over IPv6; Chromium does, see TestChromiumReached
		t.Run(n.name, func(t *testing.T) {
			l.Allow(t, append(n.allow, "tcp dport 8080")...)
			watchFrom(t, l, "TestBehindNAT", "NAT_WHEP="+whep, "NAT_WAY="+n.way)
		})
	}
}

// TestPublishesThroughTURN publishes over WHIP from behind a NAT whose firewall
// lets nothing but TURN out, and watches it on the server.
func TestPublishesThroughTURN(t *testing.T) {
	l := lab.New(t)
	certificate := natServer(t, l)
	clip := filepath.Join(t.TempDir(), "clip.flv")
	source.FFmpeg{}.Encode(t, clip, 20*time.Second)
	for i, n := range networks[2:] {
		t.Run(n.name, func(t *testing.T) {
			l.Allow(t, append(n.allow, "tcp dport 8080")...)
			stream := "live/away" + strconv.Itoa(i)
			publisher := l.OnViewer(t, viewerOf("TestPublisherBehindNAT", "NAT_WHIP=http://"+lab.Public+":8080/whip/"+stream,
				"NAT_WAY="+n.way, "NAT_CLIP="+clip, "SSL_CERT_FILE="+certificate)...)
			await.Success(t, 20*time.Second, func() error {
				if ended, err := publisher.Ended(); ended {
					t.Fatalf("the publisher ended: %v\n%s", err, publisher.Output())
				}
				if !strings.Contains(publisher.Output(), "publishing over") {
					return errors.New("the publisher is not connected")
				}
				return nil
			})
			watched(t, l.OnServer(t, viewerOf("TestBehindNAT", "NAT_WHEP=http://127.0.0.1:8080/whep/"+stream, "NAT_WAY=")...))
			watched(t, publisher)
		})
	}
}

// TestPublisherBehindNAT is the publisher of TestPublishesThroughTURN.
func TestPublisherBehindNAT(t *testing.T) {
	endpoint := os.Getenv("NAT_WHIP")
	if endpoint == "" {
		t.Skip("runs in the namespace of a viewer")
	}
	clip, err := rtmp.ReadFLV(os.Getenv("NAT_CLIP"))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	p, err := whip.Publish(t, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	joined := time.Since(start)
	way, err := p.Way()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("publishing over %s, connected after %v", way, joined.Round(time.Millisecond))
	if want := os.Getenv("NAT_WAY"); way != want {
		t.Errorf("the media goes over %s, want %s", way, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	if err := rtmp.Play(ctx, clip, p.WriteTag, nil); err != nil {
		t.Error(err)
	}
	// It is not closed, which would wait for servers that do not answer: it ends
	// with the process.
}

// watchFrom runs a test of this program on the viewer's machine.
func watchFrom(t *testing.T, l *lab.Lab, test string, env ...string) {
	t.Helper()
	watched(t, l.OnViewer(t, viewerOf(test, env...)...))
}

// viewerOf is the command line of a test of this program.
func viewerOf(test string, env ...string) []string {
	return append(append([]string{"env"}, env...), os.Args[0], "-test.run=^"+test+"$", "-test.count=1", "-test.v")
}

// watched waits for a viewer, and tells what it saw.
func watched(t *testing.T, v *proc.Process) {
	t.Helper()
	if err := v.Wait(2 * time.Minute); err != nil {
		t.Errorf("the viewer: %v", err)
	}
	for line := range strings.Lines(v.Output()) {
		if strings.Contains(line, "watched") || strings.Contains(line, "publishing over") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// TestOnePortForAll watches through a firewall that lets nothing but HTTPS out.
func TestOnePortForAll(t *testing.T) {
	l := lab.New(t)
	certificate := natServer(t, l, "--https-addr=:443")
	l.Allow(t, "tcp dport 443")
	watchFrom(t, l, "TestBehindNAT", "NAT_WHEP=https://"+lab.Public+"/whep/live/show", "NAT_WAY=tls relay", "SSL_CERT_FILE="+certificate)
}

// TestSlowTCPHurtsNobody: one viewer has a line over TCP that takes a quarter of
// the stream, and keeps seeing something; another sees all of it.
func TestSlowTCPHurtsNobody(t *testing.T) {
	l := lab.New(t)
	natServer(t, l)
	l.Allow(t, "tcp dport {8080, 8189}")
	l.Slow(t, "350kbit")
	slow := l.OnViewer(t, viewerOf("TestBehindNAT", "NAT_WHEP=http://"+lab.Public+":8080/whep/live/show",
		"NAT_WAY=tcp host", "NAT_TIME=6s", "NAT_FRAMES=5")...)
	time.Sleep(3 * time.Second) // the slow viewer's queues are full
	watched(t, l.OnServer(t, viewerOf("TestBehindNAT", "NAT_WHEP=http://127.0.0.1:8080/whep/live/show", "NAT_WAY=", "NAT_FRAMES=55")...))
	watched(t, slow)
}

// TestBehindNAT is the viewer of the tests above, in a process of its own.
func TestBehindNAT(t *testing.T) {
	endpoint := os.Getenv("NAT_WHEP")
	if endpoint == "" {
		t.Skip("runs in the namespace of a viewer")
	}
	during, err := time.ParseDuration(cmp.Or(os.Getenv("NAT_TIME"), "2s"))
	if err != nil {
		t.Fatal(err)
	}
	least, err := strconv.Atoi(cmp.Or(os.Getenv("NAT_FRAMES"), "40"))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	far := viewer.JoinFar(t, endpoint)
	joined := time.Since(start)
	frames := far.Watch(during)
	way, err := far.Way()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("watched %d frames in %v over %s, connected after %v", frames, during, way, joined.Round(time.Millisecond))
	if want := os.Getenv("NAT_WAY"); want != "" && way != want {
		t.Errorf("the media comes over %s, want %s", way, want)
	}
	if frames < least {
		t.Errorf("%d frames, want %d", frames, least)
	}
}

// certificateOf writes a certificate for addresses, and its key.
func certificateOf(t *testing.T, addresses ...string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"sluice.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, a := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(a))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
