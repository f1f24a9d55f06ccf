//go:build linux

package load

import (
	"context"
	"slices"
	"sync"
	"time"
)

// readPause is how often a reader looks at its sockets: rarely enough that it
// finds several packets in most of them.
const readPause = 15 * time.Millisecond

// reader reads for a part of the viewers.
type reader struct {
	// guarded by mu
	mu      sync.Mutex
	viewers []*Viewer
}

func (r *reader) add(v *Viewer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.viewers = append(r.viewers, v)
}

func (r *reader) remove(v *Viewer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.viewers, v); i >= 0 {
		r.viewers = slices.Delete(r.viewers, i, i+1)
	}
}

func (r *reader) run(ctx context.Context) {
	b := newBatch()
	ticker := time.NewTicker(readPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			r.sweep(b, now)
		}
	}
}

func (r *reader) sweep(b *batch, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.viewers {
		for n := batchSize; n == batchSize; {
			n = b.receive(v.socket.fd)
			for i := range n {
				b.each(i, v.take)
			}
		}
		v.tick(now)
	}
}
