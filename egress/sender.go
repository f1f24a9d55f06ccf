package egress

import (
	"runtime"
	"sync"
	"time"

	"github.com/sluice-media/sluice/rtc"
)

// senderTakes is how many viewers a worker serves with one system call, if
// their frames are small.
const senderTakes = 16

// senderLoad is how many viewers may wait for each worker that is awake before
// another is woken, which costs as much as serving several.
const senderLoad = 64

// sender does what viewers have to do. As many workers as CPUs take the
// viewers that have something to send, in the order in which they came to have
// it; a viewer is with one worker at a time. A goroutine for each viewer would
// have to be woken for each frame, and could not share a system call.
type sender struct {
	workers int // static
	wg      sync.WaitGroup

	// guarded by mu
	mu     sync.Mutex
	some   *sync.Cond // ready or closed
	ready  []*Viewer  // from next on
	next   int
	awake  int // workers
	closed bool
}

func newSender(transport *rtc.Transport) *sender {
	s := &sender{workers: runtime.GOMAXPROCS(0)}
	s.some, s.awake = sync.NewCond(&s.mu), s.workers
	for range s.workers {
		s.wg.Go(func() { s.work(transport.NewBatch()) })
	}
	return s
}

// push makes a viewer wait for a worker.
func (s *sender) push(v *Viewer) {
	s.mu.Lock()
	s.ready = append(s.ready, v)
	wake := s.awake < s.workers && len(s.ready)-s.next > s.awake*senderLoad
	if wake {
		s.awake++
	}
	s.mu.Unlock()
	if wake {
		s.some.Signal()
	}
}

// take waits for viewers and returns some; none if the sender is closed.
func (s *sender) take(into []*Viewer) []*Viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.next == len(s.ready) && !s.closed {
		s.awake--
		s.some.Wait()
	}
	if s.closed {
		return nil
	}
	n := min(senderTakes, len(s.ready)-s.next)
	into = append(into[:0], s.ready[s.next:s.next+n]...)
	clear(s.ready[s.next : s.next+n])
	if s.next += n; s.next > len(s.ready)/2 {
		rest := copy(s.ready, s.ready[s.next:])
		clear(s.ready[rest:])
		s.ready, s.next = s.ready[:rest], 0
	}
	return into
}

// work serves viewers until the sender is closed.
func (s *sender) work(batch *rtc.Batch) {
	taken := make([]*Viewer, 0, senderTakes)
	sent := &ledger{}
	for {
		if taken = s.take(taken); len(taken) == 0 {
			return
		}
		fetched := 0
		for _, v := range taken {
			v.turn.begin()
			v.mu.Lock()
			fetched += v.fetch()
		}
		runtime.KeepAlive(fetched)
		for _, v := range taken {
			v.play(batch, sent)
			v.mu.Unlock()
		}
		batch.Flush()
		sent.settle(time.Now())
		for _, v := range taken {
			if v.turn.end() {
				s.push(v)
			}
		}
	}
}

// close ends the workers. Viewers that still wait are not served.
func (s *sender) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.some.Broadcast()
	s.wg.Wait()
}

// ledger notes the frames of a batch, which count when they have left.
type ledger struct{ entries []entry }

type entry struct {
	metrics *viewerMetrics
	frame   *Frame
}

func (l *ledger) note(m *viewerMetrics, f *Frame) { l.entries = append(l.entries, entry{m, f}) }

func (l *ledger) settle(now time.Time) {
	for _, e := range l.entries {
		e.metrics.sent(e.frame, now)
	}
	clear(l.entries)
	l.entries = l.entries[:0]
}
