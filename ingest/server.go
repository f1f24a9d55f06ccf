package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/yutopp/go-rtmp"

	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/metrics"
)

// Server accepts publishers. Its methods may be called from any goroutine.
type Server struct {
	// static
	cfg        Config
	log        *slog.Logger
	libraryLog *logrus.Logger
	series     metrics.RTMP
	budget     *chunk.Budget
	ctx        context.Context
	cancel     context.CancelFunc

	running sync.WaitGroup // Serve calls and sessions

	// guarded by mu
	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	sessions  map[*session]struct{}
	perHost   map[netip.Addr]int
	endings   sparse // log lines about clients that were ended
}

// ErrClosed is returned by Serve on a closed Server.
var ErrClosed = errors.New("RTMP server closed")

// New returns a Server.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:        cfg,
		log:        cfg.Logger,
		libraryLog: newLibraryLog(cfg.Logger),
		series:     cfg.Metrics.RTMP(),
		budget:     chunk.NewBudget(cfg.MaxMemory),
		listeners:  make(map[net.Listener]struct{}),
		sessions:   make(map[*session]struct{}),
		perHost:    make(map[netip.Addr]int),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Serve accepts connections from l until Close, when it returns nil, or until
// l is closed by another. It closes l. TLS is served by a TLS listener.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.open(l) {
		return ErrClosed
	}
	defer s.running.Done()

	f := newFeed(l.Addr())
	library := rtmp.NewServer(&rtmp.ServerConfig{OnConnect: s.configure})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = library.Serve(f) // ErrClosed, the only one
	}()
	err := s.accept(l, f)
	_ = library.Close()
	_ = f.Close() // library.Close knows no listener before Serve has begun
	<-done
	return err
}

func (s *Server) open(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[l] = struct{}{}
	s.running.Add(1)
	return true
}

// Pauses after errors of the listener. They are things like too many open
// files, which pass; without a pause the loop would burn a core till then.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

func (s *Server) accept(l net.Listener, f *feed) error {
	defer s.forget(l)
	var pause time.Duration
	var failures sparse
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.enter(conn, f)
			continue
		case s.ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept RTMP connections: %w", err)
		}
		s.series.AcceptErrors.Inc()
		if n := failures.hit(time.Now()); n > 0 {
			s.log.Warn("accepting RTMP connections fails", "count", n, "error", err)
		}
		pause = min(max(2*pause, minPause), maxPause)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return nil
		}
	}
}

func (s *Server) forget(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// Close stops accepting, ends every connection and waits for their Writers to
// be closed. It returns nil.
func (s *Server) Close() error {
	s.cancel()
	s.mu.Lock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	for session := range s.sessions {
		session.interrupt()
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
