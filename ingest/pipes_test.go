package ingest_test

import (
	"net"
	"sync"
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

// connectClosed returns a channel besides that tells when the server has
// closed its end, the last thing it does.
func (p *pipes) connectClosed() (net.Conn, <-chan struct{}) {
	client, server := net.Pipe()
	c := &closing{Conn: server, closed: make(chan struct{})}
	p.conns <- c
	return client, c.closed
}

type closing struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

// Close implements net.Conn.
func (c *closing) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}

func dial(t testing.TB, l net.Listener) *rtmptest.Client {
	return rtmptest.NewClient(t, l.(*pipes).connect())
}
