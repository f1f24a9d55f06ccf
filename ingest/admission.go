package ingest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/ingest/guard"
	"github.com/sluice-media/sluice/limit"
)

// enter makes a session of a new connection, if there is room for one, and
// gives it to go-rtmp.
func (s *Server) enter(conn net.Conn, f *feed) {
	s.series.Connections.Inc()
	remote := addrPort(conn.RemoteAddr())
	session, why := s.admit(conn, remote)
	if why != "" {
		s.series.Refused(why)
		conn.Close()
		s.tell("RTMP connection refused", "remote", remote, "reason", why)
		return
	}
	f.sessions <- session // go-rtmp waits for nothing else
}

// admit counts a connection in. If it cannot, it returns why.
func (s *Server) admit(conn net.Conn, remote netip.AddrPort) (_ *session, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	host := limit.Host(remote.Addr())
	switch {
	case s.closed:
		return nil, reasonClosing
	case len(s.sessions) >= s.cfg.MaxConnections:
		return nil, reasonConnections
	case s.perHost[host] >= s.cfg.MaxPerAddress:
		return nil, reasonAddress
	}
	session := &session{
		server:  s,
		log:     s.log.With("remote", remote),
		request: Request{RemoteAddr: remote},
	}
	session.Conn = guard.New(explain(conn), s.cfg.guard(session, s.budget))
	session.ctx, session.cancel = context.WithCancelCause(s.ctx)
	session.request.End = session.finish
	s.sessions[session] = struct{}{}
	s.perHost[host]++
	s.series.Open.Inc()
	s.running.Add(1)
	return session, ""
}

// leave counts the session out.
func (s *Server) leave(session *session) {
	defer s.running.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
	host := limit.Host(session.request.RemoteAddr.Addr())
	if s.perHost[host]--; s.perHost[host] == 0 {
		delete(s.perHost, host)
	}
	s.series.Open.Dec()
}

// ended reports why a session ended, unless its client just went. The end of
// a publication has been told already.
func (s *Server) ended(session *session, cause error) {
	published := session.publication != nil
	why := reason(cause, published)
	if why == "" || s.ctx.Err() != nil {
		return
	}
	s.series.Refused(why)
	if !published {
		s.tell("RTMP connection ended", "remote", session.request.RemoteAddr, "reason", why, "error", cause)
	}
}

// tell logs what clients cause, at most once a second.
func (s *Server) tell(msg string, args ...any) {
	s.mu.Lock()
	n := s.endings.hit(time.Now())
	s.mu.Unlock()
	if n > 0 {
		s.log.Warn(msg, append(args, "count", n)...)
	}
}

// finish ends the session for a cause, from any goroutine.
func (s *session) finish(cause error) {
	s.cancel(fmt.Errorf("%w: %w", errEnded, cause))
	s.interrupt()
}

// interrupt ends the session from another goroutine.
func (s *session) interrupt() { under(s.Conn.Conn).Close() }

// addrPort returns the address of a connection; zero: it has none, as one that
// is no TCP connection.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := tcp.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
