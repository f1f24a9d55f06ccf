package egress

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

// Config is what a Server needs. The zero value of a field means its default.
type Config struct {
	// Transport is what viewers are reached by; required. It stays open.
	Transport *rtc.Transport

	// MaxViewers bounds the viewers of all streams together; default 5000.
	MaxViewers int

	// MaxStreamViewers bounds the viewers of one stream; default MaxViewers.
	MaxStreamViewers int

	// MaxWaiting bounds the viewers of all streams together who wait of their
	// own patience for a stream that is not live; default 1000. Further ones
	// are told that it is not.
	MaxWaiting int

	// Grace is how long viewers wait for a publisher that went away to come
	// back; default 60 s.
	Grace time.Duration

	// WaitForIDR leaves viewers to wait for the publisher's next IDR, at the
	// join and after losses, instead of replaying the cached GOP.
	WaitForIDR bool

	// Logger takes lifecycle messages; default slog.Default().
	Logger *slog.Logger

	// Metrics takes the numbers; required.
	Metrics *metrics.Metrics
}

// Server holds the live streams and serves them to viewers. Its methods may be
// called from any goroutine.
type Server struct {
	// static
	config Config
	ctx    context.Context
	end    context.CancelCauseFunc
	sender *sender
	wg     sync.WaitGroup // viewers' goroutines
	log    *slog.Logger

	// guarded by mu
	mu      sync.Mutex
	hubs    map[string]*stream
	viewers int
	present map[*Viewer]string // by the name of its stream
	closed  bool
}

// stream is a hub with what its viewers share.
type stream struct {
	*Hub
	ctx     context.Context // parent of its viewers'
	end     context.CancelCauseFunc
	viewers *viewerMetrics
}

// New returns a Server without a stream.
func New(c Config) *Server {
	c.MaxViewers = cmp.Or(c.MaxViewers, 5000)
	c.MaxStreamViewers = cmp.Or(c.MaxStreamViewers, c.MaxViewers)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 1000)
	c.Grace = cmp.Or(c.Grace, time.Minute)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	s := &Server{config: c, sender: newSender(c.Transport), hubs: map[string]*stream{}, present: map[*Viewer]string{}, log: c.Logger}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	return s
}

// Publish begins a publication of a stream's name, app/key. It fails with
// ErrStreamBusy or ErrClosed.
func (s *Server) Publish(name string) (*Publication, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	return s.stream(name).publish()
}

// stream returns the stream of a name, which it makes if there is none; mu is
// held.
func (s *Server) stream(name string) *stream {
	if st := s.hubs[name]; st != nil && !st.over() {
		return st
	}
	st := s.newStream(name)
	s.hubs[name] = st
	return st
}

func (s *Server) newStream(name string) *stream {
	m := s.config.Metrics.Egress(name)
	st := &stream{viewers: newViewerMetrics(m, s.config.Metrics.Signal())}
	st.ctx, st.end = context.WithCancelCause(s.ctx)
	st.Hub = newHub(name, s.config.Grace, m, s.log, func() { s.remove(st) })
	return st
}

// remove forgets a stream for which nobody waits any more.
func (s *Server) remove(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hubs[st.name] != st {
		return
	}
	delete(s.hubs, st.name)
	st.metrics.Close()
	st.end(ErrStreamEnded)
	if !st.info().Since.IsZero() {
		s.log.Info("stream ended", "stream", st.name)
	}
}

// Play adds a viewer to a stream by its SDP offer. It fails with ErrNoStream,
// ErrNotLive, ErrTooManyViewers, ErrBadOffer, ErrNoCommonCodec or ErrClosed.
func (s *Server) Play(name, sdp string) (*Viewer, error) { return s.Await(name, sdp, 0) }

// Await is Play for a viewer who has the patience to wait so long for a
// publisher, where there is none, in a session that plays when one comes. Until
// the stream's video is known it is taken to be H.264; if that was wrong the
// session ends with ErrCodecChanged. The name must be UTF-8.
func (s *Server) Await(name, sdp string, patience time.Duration) (*Viewer, error) {
	st, g, err := s.admit(name, patience)
	if err != nil {
		return nil, err
	}
	v, err := s.join(st, g, sdp)
	if err != nil {
		s.release(st, g)
		return nil, err
	}
	go func() {
		defer s.wg.Done()
		v.run()
		s.forget(v)
		s.release(st, g)
		close(v.done)
	}()
	return v, nil
}

// admit counts a viewer in.
func (s *Server) admit(name string, patience time.Duration) (*stream, *guest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.hubs[name]
	switch {
	case s.closed:
		return nil, nil, ErrClosed
	case st == nil && (patience <= 0 || s.waiting() >= s.config.MaxWaiting):
		return nil, nil, ErrNoStream
	case s.viewers >= s.config.MaxViewers:
		return nil, nil, ErrTooManyViewers
	}
	st = s.stream(name)
	switch status, _ := st.status(); {
	case status.Viewers >= s.config.MaxStreamViewers:
		return nil, nil, ErrTooManyViewers
	case !status.Live && s.waiting() >= s.config.MaxWaiting:
		patience = 0
	}
	g, err := st.admit(st.ctx, patience)
	if err != nil {
		return nil, nil, err
	}
	s.viewers++
	return st, g, nil
}

// waiting returns how many viewers wait of their own patience; mu is held.
func (s *Server) waiting() int {
	n := 0
	for _, st := range s.hubs {
		n += st.waiting()
	}
	return n
}

// release counts a viewer out.
func (s *Server) release(st *stream, g *guest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewers--
	st.release(g)
}

// join makes the viewer of an admitted offer.
func (s *Server) join(st *stream, g *guest, sdp string) (*Viewer, error) {
	o, err := parseOffer(sdp, st.target())
	if err != nil {
		return nil, err
	}
	v := newViewer(st, g, s.sender, s.config.WaitForIDR)
	v.ufrag = o.Ufrag
	if v.peer, err = connect(s.config.Transport, o, v.onState); err != nil {
		v.end(err)
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		v.end(ErrClosed)
		_ = v.peer.Close()
		return nil, ErrClosed
	}
	s.wg.Add(1)
	s.present[v] = st.name
	return v, nil
}

// Streams returns what is known of all streams, by name.
func (s *Server) Streams() []StreamInfo {
	s.mu.Lock()
	list := make([]StreamInfo, 0, len(s.hubs))
	for _, st := range s.hubs {
		if info := st.info(); !info.Since.IsZero() { // else there are only viewers yet
			list = append(list, info)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b StreamInfo) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Close ends all publications and viewers and waits for them.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, st := range s.hubs {
		st.close()
	}
	s.mu.Unlock()
	s.end(ErrClosed)
	s.wg.Wait()
	s.sender.close()
	return nil
}
