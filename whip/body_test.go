package whip

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipe serves h on one connection in memory, whose clock can be a made one,
// and returns the client's end.
func pipe(t *testing.T, h http.Handler) net.Conn { return pipeTo(t, &http.Server{Handler: h}) }

func pipeTo(t *testing.T, s *http.Server) net.Conn {
	client, server := net.Pipe()
	l := &oneConn{conn: make(chan net.Conn, 1), done: make(chan struct{})}
	l.conn <- server
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = client.Close()
		_ = s.Close()
		<-served
	})
	return client
}

// oneConn is a listener that accepts one connection.
type oneConn struct {
	conn chan net.Conn
	done chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	close(l.done)
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func readReply(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res
}

func TestStalledBody(t *testing.T) {
	for name, c := range map[string]struct {
		contentType string
		want        int
	}{
		"A1.9 an offer":           {typeSDP, http.StatusRequestTimeout},
		"one that is not read":    {"text/plain", http.StatusUnsupportedMediaType},
		"A1.9 parts now and then": {typeSDP, http.StatusRequestTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _ := newHandler()
				conn := pipe(t, h)
				start := time.Now()
				var writer sync.WaitGroup
				writer.Go(func() {
					_, err := fmt.Fprintf(conn, "POST /whep/live/cam HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\nv=0\r\n", c.contentType)
					for strings.Contains(name, "now and then") && err == nil {
						time.Sleep(time.Second)
						_, err = conn.Write([]byte("s"))
					}
				})
				r := bufio.NewReader(conn)
				if res := readReply(t, r); res.StatusCode != c.want {
					t.Errorf("%s, want %d", res.Status, c.want)
				}
				if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
					t.Errorf("the connection goes on: %v", err)
				}
				if took := time.Since(start); took > bodyTimeout+time.Second {
					t.Errorf("the connection was kept for %v", took)
				}
				_ = conn.Close()
				writer.Wait()
			})
		})
	}
}

// 64 MB in chunks are cut when they pass the limit.
func TestEndlessBody(t *testing.T) {
	s := newSite(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	status := make(chan int, 1)
	go func() {
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			status <- 0
			return
		}
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	_, err = io.WriteString(conn, "POST /whep/live/cam HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat("x", 64<<10))
	sent := 0
	for err == nil && sent < 64<<20 {
		var n int
		n, err = io.WriteString(conn, chunk)
		sent += n
	}
	if sent >= 8<<20 {
		t.Errorf("A1.9 %d bytes were taken", sent)
	}
	if got := <-status; got != http.StatusRequestEntityTooLarge {
		t.Errorf("A1.9 status %d, want 413", got)
	}
}

func TestExpectContinue(t *testing.T) {
	offer := chromium(t)
	for name, c := range map[string]struct {
		length int
		want   string
	}{
		"A1.10 an offer":           {len(offer), "100 201"},
		"A1.9 one over the limit":  {maxOffer + 1, "413"},
		"A1.10 one that is broken": {3, "100 400"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _ := newHandler()
				conn := pipe(t, h)
				defer func() { _ = h.Close() }()
				go func() {
					_, _ = fmt.Fprintf(conn, "POST /whep/live/cam HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", c.length)
				}()
				r := bufio.NewReader(conn)
				got := fmt.Sprint(readReply(t, r).StatusCode)
				if got == "100" {
					go func() { _, _ = io.WriteString(conn, offer[:c.length]) }()
					got += " " + fmt.Sprint(readReply(t, r).StatusCode)
				}
				if got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			})
		})
	}
}
