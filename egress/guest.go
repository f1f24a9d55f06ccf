package egress

import (
	"context"
	"time"
)

// guest is a viewer as its stream sees it.
type guest struct {
	ctx   context.Context // done when the stream is over for this viewer
	end   context.CancelCauseFunc
	until time.Time // stays that long without a publisher, if that is longer than the grace
}

// Status is what viewers are told of their stream while they watch.
type Status struct {
	Live    bool // a publisher is connected
	Viewers int
}

// status returns the present status, and a channel that is closed when it
// changes.
func (h *Hub) status() (Status, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Status{Live: h.publication != nil, Viewers: len(h.guests)}, h.changed
}

// tell closes the channel that status returned; mu is held.
func (h *Hub) tell() {
	h.metrics.Viewers.Set(float64(len(h.guests)))
	close(h.changed)
	h.changed = make(chan struct{})
}

// admit lets a viewer in. Without a publisher it fails with ErrNotLive, unless
// the viewer has patience. ctx bounds the guest's.
func (h *Hub) admit(ctx context.Context, patience time.Duration) (*guest, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.publication == nil && patience <= 0 {
		return nil, ErrNotLive
	}
	g := &guest{until: time.Now().Add(patience)}
	g.ctx, g.end = context.WithCancelCause(ctx)
	h.guests[g] = struct{}{}
	h.sweepIn(0)
	h.tell()
	return g, nil
}

// release forgets a guest that has gone.
func (h *Hub) release(g *guest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g.end(nil) // frees its context
	delete(h.guests, g)
	h.sweepIn(0)
	h.tell()
}

// over reports whether the hub has ended.
func (h *Hub) over() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// waiting returns how many guests are here for a stream that is not live and
// stay of their own patience.
func (h *Hub) waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, now := 0, time.Now()
	for g := range h.guests {
		if h.publication == nil && g.until.After(now) {
			n++
		}
	}
	return n
}

// sweepIn sees to it that sweep runs after d, and no other time; mu is held.
func (h *Hub) sweepIn(d time.Duration) {
	if h.publication == nil && !h.closed {
		h.expiry.Reset(d)
	}
}

// sweep ends the guests who have waited long enough for a publisher, and the
// hub when its grace is over and no guest has patience left.
func (h *Hub) sweep() {
	h.mu.Lock()
	if h.publication != nil || h.closed {
		h.mu.Unlock()
		return
	}
	now, next := time.Now(), h.graceEnds
	for g := range h.guests {
		switch stays := g.until.After(h.graceEnds); {
		case !g.until.After(now) && !h.graceEnds.After(now):
			g.end(ErrStreamEnded)
		case stays && (g.until.Before(next) || !next.After(now)):
			next = g.until
		}
	}
	h.closed = !next.After(now)
	if !h.closed {
		h.expiry.Reset(next.Sub(now))
	}
	ends := h.closed
	h.mu.Unlock()
	if ends {
		h.ended()
	}
}
