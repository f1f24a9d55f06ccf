package ingest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media/mediatest"
)

// ourTLS returns the configurations of a server and of a client that trusts it.
func ourTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(rtmptest.WriteCertificate(t, t.TempDir(), 1))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{pair}}, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

func serveTLS(t *testing.T, server *tls.Config) *desk {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, ingest.Config{}, l)
}

func TestRTMPS(t *testing.T) {
	server, client := ourTLS(t)
	d := serveTLS(t, server)
	conn, err := tls.Dial("tcp", d.addr.String(), client)
	if err != nil {
		t.Fatal(err)
	}
	c := rtmptest.NewClient(t, conn)
	if code, text := c.Publish("live", "cam"); code != "NetStream.Publish.Start" {
		t.Fatalf("publish was answered %s, %s", code, text)
	}
	s := d.next()
	units := mediatest.Video(60, 30)
	sendVideo(c, units)
	s.wait(len(units), 0)
	if !s.request.RemoteAddr.Addr().IsLoopback() {
		t.Errorf("the publisher's address is %v", s.request.RemoteAddr)
	}
	c.Close()
	s.ended()
}

// Each handshake that fails is counted, and ends its own connection.
func TestTLSHandshakesThatFail(t *testing.T) {
	server, client := ourTLS(t)
	d := serveTLS(t, server)
	for _, c := range []struct {
		name string
		do   func(net.Conn)
	}{
		{"plain RTMP", func(c net.Conn) { c.Write(rtmptest.Session("live", "cam")) }},
		{"certificate not trusted", func(c net.Conn) { _ = tls.Client(c, &tls.Config{ServerName: "127.0.0.1"}).Handshake() }},
		{"another name", func(c net.Conn) {
			_ = tls.Client(c, &tls.Config{RootCAs: client.RootCAs, ServerName: "example.com"}).Handshake()
		}},
	} {
		before := d.refusals("tls")
		conn, err := net.Dial("tcp", d.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		c.do(conn)
		if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Logf("%s: %v", c.name, err)
		}
		conn.Close()
		d.eventually(c.name+" is counted", func() bool { return d.refusals("tls") == before+1 })
	}
}

// A handshake that is not finished is held no longer than any other.
func TestTLSHandshakeThatStalls(t *testing.T) {
	server, _ := ourTLS(t)
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		d := serveOn(t, ingest.Config{}, tls.NewListener(l, server))
		conn := l.connect()
		defer conn.Close()
		conn.Write([]byte("\x16\x03\x01\x02\x00\x01")) // a ClientHello begins
		start := time.Now()
		_, _ = io.Copy(io.Discard, conn)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("hung up on after %v", took)
		}
		synctest.Wait()
		if d.refusals("publish_timeout") != 1 {
			t.Errorf("not counted; the log:\n%s", d.log)
		}
	})
}

// Close waits for no goodbye that a client does not read.
func TestTLSClientThatDoesNotReadAtTheEnd(t *testing.T) {
	server, client := ourTLS(t)
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		d := serveOn(t, ingest.Config{}, tls.NewListener(l, server))
		conn := tls.Client(l.connect(), client)
		defer conn.NetConn().Close()
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // a pipe holds nothing: whatever the server says now, waits
		start := time.Now()
		if err := d.server.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("Close took %v", took)
		}
	})
}
