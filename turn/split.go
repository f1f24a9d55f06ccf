package turn

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/sluice-media/sluice/limit"
)

// ALPN names TURN within TLS (RFC 7443 §3). Browsers do without.
const ALPN = "stun.turn"

// Split lets HTTPS and TURN over TLS share a port, such as 443. It tells them
// apart by the protocol that was negotiated (RFC 7301) or, if there is none, by
// the first byte: STUN begins with a zero, HTTP with a letter. config has to
// list ALPN among its protocols. Closing both listeners closes l.
func Split(l net.Listener, config *tls.Config) (https, turn net.Listener) {
	s := &split{l: tls.NewListener(l, config), crowd: limit.NewCrowd(maxConnections, maxConnectionsPerHost)}
	s.ctx, s.end = context.WithCancel(context.Background())
	a, b := newBranch(s), newBranch(s)
	s.https, s.turn, s.open = a, b, 2
	go s.loop()
	return a, b
}

// split hands out the connections of a listener to two others.
type split struct {
	l           net.Listener
	crowd       *limit.Crowd // of those that are not told apart yet
	https, turn *branch
	ctx         context.Context
	end         context.CancelFunc

	mu   sync.Mutex
	open int // branches
}

func (s *split) loop() {
	for {
		conn, err := s.l.Accept()
		switch {
		case err == nil:
		case s.ctx.Err() != nil:
			return
		default:
			select {
			case <-time.After(acceptPause):
			case <-s.ctx.Done():
				return
			}
			continue
		}
		host := hostOf(conn.RemoteAddr())
		if !s.crowd.Enter(host) {
			_ = conn.Close()
			continue
		}
		go func() {
			defer s.crowd.Leave(host)
			s.give(conn.(*tls.Conn))
		}()
	}
}

// give hands out a connection.
func (s *split) give(conn *tls.Conn) {
	ctx, cancel := context.WithTimeout(s.ctx, firstTime)
	defer cancel()
	to, told := s.tell(ctx, conn)
	if to == nil {
		_ = conn.NetConn().Close()
		return
	}
	select {
	case to.conns <- told:
	case <-to.done:
		_ = conn.NetConn().Close()
	case <-ctx.Done():
		_ = conn.NetConn().Close()
	}
}

// tell finds out whose a connection is; nil: nobody's.
func (s *split) tell(ctx context.Context, conn *tls.Conn) (*branch, net.Conn) {
	if conn.HandshakeContext(ctx) != nil {
		return nil, nil
	}
	switch conn.ConnectionState().NegotiatedProtocol {
	case "":
	case ALPN:
		return s.turn, conn
	default:
		return s.https, conn // as it is, or net/http speaks no HTTP/2
	}
	defer context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() })()
	in := bufio.NewReader(conn)
	first, err := in.Peek(1)
	switch {
	case err != nil:
		return nil, nil
	case first[0] == 0:
		return s.turn, &begun{conn, in}
	default:
		return s.https, &begun{conn, in}
	}
}

// begun is a connection of which something was read.
type begun struct {
	*tls.Conn
	in *bufio.Reader
}

func (c *begun) Read(b []byte) (int, error) { return c.in.Read(b) }

// branch is a listener for the connections of one kind.
type branch struct {
	split *split
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newBranch(s *split) *branch {
	return &branch{split: s, conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept implements net.Listener.
func (b *branch) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (b *branch) Addr() net.Addr { return b.split.l.Addr() }

// Close implements net.Listener.
func (b *branch) Close() (err error) {
	b.once.Do(func() {
		close(b.done)
		s := b.split
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open--; s.open == 0 {
			s.end()
			err = s.l.Close()
		}
	})
	return err
}
