package turn

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/sluice-media/sluice/limit"
	"github.com/sluice-media/sluice/metrics"
)

const (
	maxConnections        = 10_000
	maxConnectionsPerHost = 512
	// firstTime is what a client has to shake hands and to send something.
	firstTime = 10 * time.Second
	// idleTime is how long a connection may say nothing: a relay that is not
	// refreshed ends after as long (RFC 8656 §3.2).
	idleTime = 10 * time.Minute
	// writeTime is how long a client may take nothing. Its relay waits so long,
	// and its packets are lost in the relay's socket as on any full line.
	writeTime = 10 * time.Second
	// sendBuffer is the size in bytes of a connection's kernel buffer. What is
	// in it is late: this is 200 ms of 10 Mbit/s.
	sendBuffer = 256 << 10
	// acceptPause is waited after an error of a listener; they pass, as too
	// many open files do.
	acceptPause = 100 * time.Millisecond
)

// listener hands out connections within limits, and ends them all.
type listener struct {
	net.Listener
	series metrics.TURN
	ctx    context.Context
	end    context.CancelFunc
	ready  chan net.Conn
	open   sync.WaitGroup // connections, and the loop that accepts them

	crowd *limit.Crowd

	mu    sync.Mutex
	conns map[*conn]struct{}
}

func bound(l net.Listener, series metrics.TURN) *listener {
	b := &listener{
		Listener: l, series: series, ready: make(chan net.Conn),
		crowd: limit.NewCrowd(maxConnections, maxConnectionsPerHost), conns: make(map[*conn]struct{}),
	}
	b.ctx, b.end = context.WithCancel(context.Background())
	b.open.Go(b.loop)
	return b
}

func (l *listener) loop() {
	for {
		raw, err := l.Listener.Accept()
		switch {
		case l.ctx.Err() != nil:
			if err == nil {
				_ = raw.Close()
			}
			return
		case err != nil:
			select {
			case <-time.After(acceptPause):
			case <-l.ctx.Done():
			}
			continue
		}
		if c := l.admit(raw); c != nil {
			l.open.Go(func() { l.prepare(c) })
		}
	}
}

// admit counts a connection in, or closes it.
func (l *listener) admit(raw net.Conn) *conn {
	host := hostOf(raw.RemoteAddr())
	if !l.crowd.Enter(host) {
		l.series.Refused(refusedConnections)
		_ = raw.Close()
		return nil
	}
	c := newConn(raw, l, host)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		_ = raw.Close()
		return nil
	}
	l.conns[c] = struct{}{}
	l.open.Add(1) // until Close
	return c
}

// prepare shakes hands, which pion would do without an end to a failed one.
func (l *listener) prepare(c *conn) {
	ctx, cancel := context.WithTimeout(l.ctx, firstTime)
	defer cancel()
	if t, ok := c.Conn.(interface{ HandshakeContext(context.Context) error }); ok {
		if err := t.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return
		}
	}
	if t, ok := underlying(c.Conn).(*net.TCPConn); ok {
		_ = t.SetWriteBuffer(sendBuffer)
	}
	select {
	case l.ready <- c:
	case <-ctx.Done():
		_ = c.Close()
	}
}

// underlying returns what is below TLS.
func underlying(c net.Conn) net.Conn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn()
	}
	return c
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close ends the connections as well, and waits for them. A second call does
// nothing.
func (l *listener) Close() error {
	if l.ctx.Err() != nil {
		return nil
	}
	l.end()
	err := l.Listener.Close()
	l.mu.Lock()
	var all []*conn
	for c := range l.conns {
		all = append(all, c)
	}
	l.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
	l.open.Wait()
	return err
}
