package ingest_test

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sluice-media/sluice/ingest/rtmptest"
)

// pipes is a listener whose connections are net.Pipes, which live on the clock
// of testing/synctest.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// connect returns the client's end of a new connection.
func (p *pipes) connect() net.Conn {
	client, _ := p.connectClosed()
	return client
}

// connectClosed returns the server's end besides.
func (p *pipes) connectClosed() (net.Conn, *serverEnd) {
	client, server := net.Pipe()
	e := &serverEnd{Conn: server, done: make(chan struct{})}
	e.writes.Store(1 << 30)
	p.conns <- e
	return client, e
}

// serverEnd is the server's end of a pipe.
type serverEnd struct {
	net.Conn
	writes atomic.Int32  // how many succeed from now on
	done   chan struct{} // closed when the server has closed it, the last thing it does
	once   sync.Once
}

// Write implements net.Conn.
func (e *serverEnd) Write(b []byte) (int, error) {
	if e.writes.Add(-1) < 0 {
		return 0, syscall.EPIPE
	}
	return e.Conn.Write(b)
}

// Close implements net.Conn.
func (e *serverEnd) Close() error {
	err := e.Conn.Close()
	e.once.Do(func() { close(e.done) })
	return err
}

func dial(t testing.TB, l net.Listener) *rtmptest.Client {
	return rtmptest.NewClient(t, l.(*pipes).connect())
}
