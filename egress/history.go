package egress

import (
	"sort"
	"time"
)

const (
	// historyAge is how long a packet can be repeated: receivers ask within a
	// few round trips, and what is older than that is not worth waiting for.
	// It also bounds how long payloads outlive the GOP cache.
	historyAge = 3 * time.Second
	// historyFrames bounds the frames of a replay, which come faster.
	historyFrames = 1024
)

// sentFrame is a frame as it was sent to one viewer.
type sentFrame struct {
	frame     *Frame
	at        time.Time
	timestamp uint32 // RTP
	first     uint16 // sequence number of the first packet
	picture   uint16 // see numberVP9
}

// history finds the packet that a sequence number stood for, without keeping
// anything a packet. The frames are in the order in which they were sent.
type history struct {
	frames []sentFrame
	gone   int // forgotten frames at the front of the slice
}

// add takes the next frame and forgets those that are too old.
func (h *history) add(s sentFrame) {
	for h.gone < len(h.frames) &&
		(s.at.Sub(h.frames[h.gone].at) > historyAge || len(h.frames)-h.gone >= historyFrames) {
		h.frames[h.gone] = sentFrame{}
		h.gone++
	}
	if h.gone > len(h.frames)/4 {
		h.compact()
	}
	h.frames = append(h.frames, s)
}

// compact frees the places of forgotten frames, and most of what a replay has
// taken.
func (h *history) compact() {
	n := copy(h.frames, h.frames[h.gone:])
	clear(h.frames[n:])
	h.frames, h.gone = h.frames[:n], 0
	if most := n + n/3 + 8; cap(h.frames) > most*3/2 {
		h.frames = append(make([]sentFrame, 0, most), h.frames...)
	}
}

// newest returns the sequence number that the newest frame begins with.
func (h *history) newest() uint16 {
	if len(h.frames) == 0 {
		return 0
	}
	return h.frames[len(h.frames)-1].first
}

// find returns the frame and the packet's place in it.
func (h *history) find(seq uint16) (s sentFrame, packet int, ok bool) {
	kept := h.frames[h.gone:]
	if len(kept) == 0 {
		return s, 0, false
	}
	last := len(kept) - 1
	newest := kept[last].first
	if back := newest - seq; back != 0 && back < 1<<15 { // before the newest frame
		last = sort.Search(len(kept), func(i int) bool { return newest-kept[i].first < back }) - 1
	}
	if last < 0 {
		return s, 0, false
	}
	s, packet = kept[last], int(seq-kept[last].first)
	return s, packet, packet < len(s.frame.Payloads)
}

// Bounds of the repetition of one packet.
const (
	repairPause    = 30 * time.Millisecond // at least; else a round trip
	repairAttempts = 4
	repairPatience = 300 * time.Millisecond // at least; else three round trips
	repairPackets  = 256                    // packets remembered as asked for
)

// attempt is what a viewer's requests for one packet have led to.
type attempt struct {
	first, last time.Time
	count       int
}

// verdict is what to do about a request for a packet.
type verdict uint8

const (
	repeat verdict = iota
	ignore         // it was repeated just now
	giveUp         // repeating it does not help
)

// repairs remembers the packets that were asked for.
type repairs map[uint16]attempt

// ask decides about a request for a packet that can be repeated.
func (r repairs) ask(seq uint16, now time.Time, rtt time.Duration) verdict {
	a, known := r[seq]
	switch {
	case !known:
		r.forget(now)
		r[seq] = attempt{first: now, last: now, count: 1}
		return repeat
	case a.count >= repairAttempts && now.Sub(a.first) >= max(repairPatience, 3*rtt):
		return giveUp
	case now.Sub(a.last) < max(repairPause, rtt):
		return ignore
	}
	a.last, a.count = now, a.count+1
	r[seq] = a
	return repeat
}

// forget makes room: sequence numbers come round again.
func (r repairs) forget(now time.Time) {
	if len(r) < repairPackets {
		return
	}
	for seq, a := range r {
		if now.Sub(a.last) > time.Second || len(r) >= repairPackets {
			delete(r, seq)
		}
	}
}
