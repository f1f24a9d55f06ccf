package contribute

import (
	"context"
	"net/netip"
	"sync"

	"github.com/sluice-media/sluice/limit"
)

// Server accepts WebRTC publishers. Its methods may be called from any
// goroutine.
type Server struct {
	// static
	config Config
	ctx    context.Context
	end    context.CancelCauseFunc
	wg     sync.WaitGroup // publishers' goroutines

	// guarded by mu
	mu      sync.Mutex
	closed  bool
	count   int
	perHost map[netip.Addr]int
}

// New returns a Server without a publisher.
func New(c Config) *Server {
	s := &Server{config: c.withDefaults(), perHost: map[netip.Addr]int{}}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	return s
}

// Admit asks Config.Admit, with whose error it fails, and counts the publisher
// in. An Admission must be published or cancelled.
func (s *Server) Admit(ctx context.Context, r Request) (*Admission, error) {
	host := limit.Host(r.RemoteAddr.Addr())
	if err := s.enter(host); err != nil {
		return nil, err
	}
	a, err := s.config.Admit(ctx, r)
	if err != nil {
		s.leave(host)
		return nil, err
	}
	return &Admission{Admitted: a, server: s, host: host, request: r}, nil
}

func (s *Server) enter(host netip.Addr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.count >= s.config.MaxPublishers, s.perHost[host] >= s.config.MaxPerAddress:
		return ErrTooMany
	}
	s.count++
	s.perHost[host]++
	return nil
}

func (s *Server) leave(host netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count--
	if s.perHost[host]--; s.perHost[host] == 0 {
		delete(s.perHost, host)
	}
}

// start runs a publisher, unless the server is closed.
func (s *Server) start(run func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Go(run)
	return true
}

// Close ends all publications and waits for their Writers to be closed. It
// returns nil.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end(ErrClosed)
	s.wg.Wait()
	return nil
}

// Admission is a publisher that may publish.
type Admission struct {
	Admitted
	server  *Server
	host    netip.Addr
	request Request
}

// Cancel is called in place of Publish.
func (a *Admission) Cancel() {
	a.Forget()
	a.server.leave(a.host)
}

// Publish answers an offer and begins the publication. It fails with
// rtc.ErrBadOffer, rtc.ErrNoCommonCodec, ErrTaken or ErrClosed. ctx bounds the
// wait for the name.
func (a *Admission) Publish(ctx context.Context, sdp string) (*Publisher, error) {
	p, err := a.open(ctx, sdp)
	if err != nil {
		a.server.leave(a.host)
		return nil, err
	}
	return p, nil
}

func (a *Admission) open(ctx context.Context, sdp string) (*Publisher, error) {
	o, err := parseOffer(sdp)
	if err != nil {
		a.Forget()
		return nil, err
	}
	p := newPublisher(a, o)
	w, err := a.Open(ctx, p.finish)
	if err != nil {
		p.end(err)
		a.Forget()
		return nil, err
	}
	p.begin(w)
	if err = p.connect(o); err == nil && !a.server.start(p.run) {
		err = ErrClosed
	}
	if err != nil {
		p.end(err)
		p.finally()
		return nil, err
	}
	return p, nil
}
