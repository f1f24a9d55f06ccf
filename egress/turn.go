package egress

import "sync/atomic"

// turn keeps a viewer from being with two workers at a time, and from being
// forgotten by all.
type turn struct{ state atomic.Int32 }

const (
	idle    int32 = iota
	queued        // waits for a worker
	serving       // is with one
	again         // is with one, and has more to do since
)

// ask reports whether the viewer must be queued.
func (t *turn) ask() bool {
	for {
		switch {
		case t.state.CompareAndSwap(idle, queued):
			return true
		case t.state.Load() == queued, t.state.Load() == again, t.state.CompareAndSwap(serving, again):
			return false
		}
	}
}

// begin is called by the worker that took the viewer from the queue.
func (t *turn) begin() { t.state.Store(serving) }

// end reports whether the viewer must be queued again.
func (t *turn) end() bool {
	if t.state.CompareAndSwap(serving, idle) {
		return false
	}
	t.state.Store(queued)
	return true
}
