package transcode

import "time"

const (
	// stallTimeout is how long a process may take frames and return nothing.
	// The longest that a healthy one needs is two frames, 0.28 s at
	// 7,350 Hz.
	stallTimeout = 500 * time.Millisecond

	// startTimeout is the same for one that may still be starting: 100
	// processes started at once on 2 cores are ready after 4 s.
	startTimeout = 6 * time.Second
)

// stall finds a process that has stopped working. Its time passes only while
// frames are coming in, so that a publisher's pause is not the process's.
type stall struct {
	limit  time.Duration // how long a process that has started may take
	last   time.Time     // of the last frame
	waited time.Duration // since the last packet
	ready  bool          // it has started, there is no other excuse
}

// fed notes a frame of so long and says whether the process has stalled.
func (s *stall) fed(now time.Time, frame time.Duration) bool {
	if !s.last.IsZero() {
		s.waited += min(now.Sub(s.last), 2*frame)
	}
	s.last = now
	if s.ready {
		return s.waited > s.limit
	}
	return s.waited > startTimeout
}

// returned notes a packet.
func (s *stall) returned() { s.waited, s.ready = 0, true }
