package egress

import "time"

// historyFrames is how many video frames a viewer's packets can be repeated
// from: a replay of the longest GOP and the frames that follow it while a
// receiver still asks. An entry takes 24 bytes; the payloads are shared.
const historyFrames = 1024

// sentFrame is a frame as it was sent to one viewer.
type sentFrame struct {
	frame     *Frame
	timestamp uint32 // RTP
	first     uint16 // sequence number of the first packet
}

// history finds the packet that a sequence number stood for, without keeping
// anything a packet. It is a ring that grows with use.
type history struct {
	ring []sentFrame
	next int // where the next frame goes, once the ring is full
}

func (h *history) add(s sentFrame) {
	if len(h.ring) < historyFrames {
		h.ring = append(h.ring, s)
		return
	}
	h.ring[h.next] = s
	h.next = (h.next + 1) % len(h.ring)
}

// find returns the frame and the packet's place in it.
func (h *history) find(seq uint16) (s sentFrame, packet int, ok bool) {
	for lo, hi := 0, len(h.ring); lo < hi; { // binary search, oldest first
		mid := (lo + hi) / 2
		s = h.ring[(h.next+mid)%len(h.ring)]
		newest := h.ring[(h.next+len(h.ring)-1)%len(h.ring)].first
		switch off := int16(seq - s.first); {
		case newest-s.first >= 1<<15: // older than half of the sequence space
			lo = mid + 1
		case off < 0:
			hi = mid
		case int(off) >= len(s.frame.Payloads):
			lo = mid + 1
		default:
			return s, int(off), true
		}
	}
	return sentFrame{}, 0, false
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
