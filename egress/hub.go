package egress

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/metrics"
)

// Hub is one live stream: what its present publication writes goes to all its
// subscribers. It outlives a publication for Config.Grace, so that viewers of
// a publisher that comes back see one continuous stream.
type Hub struct {
	// static
	name    string
	grace   time.Duration
	clock   *clock
	metrics *metrics.Egress
	log     *slog.Logger
	ended   func() // called without mu when the grace is over

	// guarded by mu
	mu          sync.Mutex
	publication *Publication // nil between publications
	subscribers []Subscriber
	guests      map[*guest]struct{} // Play was called and the Viewer has not ended
	changed     chan struct{}       // closed when the status is another
	graceEnds   time.Time           // zero: nobody has published yet
	expiry      *time.Timer         // of whoever waits for a publisher
	closed      bool
	last        time.Duration // largest DTS or audio PTS delivered
	facts       facts
	encoding    Encoding // of the last video frame
	index       uint64   // of the last video frame
	gop         gop

	keyframeWanted bool // a replay has begun that an IDR would shorten
	keyframeNeeded bool // somebody waits for an IDR, or lost pictures
}

func newHub(name string, grace time.Duration, m *metrics.Egress, log *slog.Logger, ended func()) *Hub {
	h := &Hub{
		name: name, grace: grace, clock: newClock(time.Now()), metrics: m,
		log: log.With("stream", name), ended: ended,
		guests: map[*guest]struct{}{}, changed: make(chan struct{}),
	}
	h.expiry = time.AfterFunc(grace, h.sweep)
	h.expiry.Stop() // nobody waits yet
	return h
}

// publish begins a publication.
func (h *Hub) publish() (*Publication, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, ErrClosed
	case h.publication != nil:
		return nil, ErrStreamBusy
	}
	h.expiry.Stop()
	h.publication = &Publication{hub: h}
	h.facts = facts{since: time.Now()}
	h.metrics.Live.Set(1)
	h.log.Debug("stream is live", "viewers", len(h.guests))
	h.tell()
	return h.publication, nil
}

// unpublish ends a publication and gives its publisher the grace to return.
func (h *Hub) unpublish(p *Publication) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.publication != p {
		return
	}
	h.publication = nil
	h.gop.drop()
	h.metrics.Live.Set(0)
	h.log.Debug("stream waits for its publisher", "viewers", len(h.guests), "for", h.grace)
	h.graceEnds = time.Now().Add(h.grace)
	h.expiry.Reset(h.grace)
	h.tell()
}

// close ends the hub at once. Further writes to its publication fail.
func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.publication = nil
	h.expiry.Stop()
}

// Subscribe makes s receive every frame from now on.
func (h *Hub) Subscribe(s Subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers = append(h.subscribers, s)
}

// Unsubscribe returns when s receives nothing more.
func (h *Hub) Unsubscribe(s Subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.subscribers, s); i >= 0 {
		h.subscribers = slices.Delete(h.subscribers, i, i+1)
	}
}

// Replay returns a snapshot of the frames since the last IDR.
func (h *Hub) Replay() Replay {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.gop.snapshot()
	h.keyframeWanted = true
	if v := h.facts.video; v != nil {
		r.FrameRate, r.Pixels = v.FrameRate, v.Width*v.Height
	}
	return r
}

// NeedKeyframe implements Source.
func (h *Hub) NeedKeyframe() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keyframeNeeded = true
}

// deliver gives f to all subscribers, each time in another order, so that nobody
// is always the last; mu is held.
func (h *Hub) deliver(f *Frame) {
	n := len(h.subscribers)
	if n == 0 {
		return
	}
	first := rand.IntN(n)
	for i := range n {
		h.subscribers[(first+i)%n].Deliver(f)
	}
}
