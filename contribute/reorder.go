package contribute

import (
	"time"

	"github.com/pion/rtp"
)

const (
	// window is how many packets may be in order behind a missing one: 400 ms
	// of 25 Mbit/s. A power of two.
	window = 1024
	// firstAsk is how long a packet may be late by itself, on another path,
	// before it is asked for.
	firstAsk = 5 * time.Millisecond
	// askAgain is the time from one request to the next, about the round trip
	// of most publishers.
	askAgain = 50 * time.Millisecond
	// repairTime is how long a missing packet is waited for where it can be
	// asked for: some requests, and less than what a new keyframe would take.
	repairTime = 400 * time.Millisecond
	// reorderTime is the same where it cannot.
	reorderTime = 40 * time.Millisecond
)

// reorder puts packets into order and says which ones are missing.
type reorder struct {
	repairs bool // missing packets can be asked for

	started bool
	next    uint16 // to come out
	end     uint16 // behind the last one that came
	slots   [window]slot
	gap     bool // packets were given up since the last that came out
	lost    int  // packets given up so far
}

// slot is a packet, or what is known of its absence.
type slot struct {
	packet *rtp.Packet
	since  time.Time // it is missing
	asked  time.Time // for the last time; zero: never
}

func (r *reorder) at(seq uint16) *slot { return &r.slots[seq%window] }

// push takes a packet as it came. One that came before, or comes too late, is
// dropped. A sequence that jumps begins anew.
func (r *reorder) push(p *rtp.Packet, now time.Time) {
	seq := p.SequenceNumber
	ahead := int16(seq - r.end)
	switch {
	case !r.started:
		r.restart(seq)
	case ahead >= window/2 || int16(seq-r.next) < -window:
		r.gap = true
		r.restart(seq)
	case int16(seq-r.next) < 0:
		return
	}
	for ; int16(seq-r.end) >= 0; r.end++ {
		if r.end-r.next == window { // the oldest has to go
			r.giveUp()
		}
		*r.at(r.end) = slot{since: now}
	}
	if s := r.at(seq); s.packet == nil {
		s.packet = p
	}
}

func (r *reorder) restart(seq uint16) {
	r.started, r.next, r.end = true, seq, seq
	clear(r.slots[:])
}

// pop returns the next packet in order, and whether packets before it were
// lost; nil: there is none yet.
func (r *reorder) pop(now time.Time) (p *rtp.Packet, lost bool) {
	for r.next != r.end {
		s := r.at(r.next)
		switch {
		case s.packet != nil:
			p, lost = s.packet, r.gap
			s.packet, r.gap = nil, false
			r.next++
			return p, lost
		case now.Sub(s.since) >= r.patience():
			r.giveUp()
		default:
			return nil, false
		}
	}
	return nil, false
}

// giveUp goes on without the next packet.
func (r *reorder) giveUp() {
	if r.at(r.next).packet == nil {
		r.gap = true
		r.lost++
	}
	r.at(r.next).packet = nil
	r.next++
}

func (r *reorder) patience() time.Duration {
	if r.repairs {
		return repairTime
	}
	return reorderTime
}

// ask returns the sequence numbers to ask for now.
func (r *reorder) ask(now time.Time) (list []uint16) {
	if !r.repairs {
		return nil
	}
	for seq := r.next; seq != r.end; seq++ {
		if s := r.at(seq); s.packet == nil && !now.Before(s.nextAsk()) {
			s.asked = now
			list = append(list, seq)
		}
	}
	return list
}

func (s *slot) nextAsk() time.Time {
	if s.asked.IsZero() {
		return s.since.Add(firstAsk)
	}
	return s.asked.Add(askAgain)
}

// due returns when to look again, if no packet comes before; zero: never.
func (r *reorder) due() (at time.Time) {
	for seq := r.next; seq != r.end; seq++ {
		s := r.at(seq)
		if s.packet != nil {
			continue
		}
		when := s.since.Add(r.patience())
		if ask := s.nextAsk(); r.repairs && ask.Before(when) {
			when = ask
		}
		if at.IsZero() || when.Before(at) {
			at = when
		}
	}
	return at
}
