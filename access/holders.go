package access

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"time"
)

// ErrShut is returned to publishers who come after Seats.Shut.
var ErrShut = errors.New("no more publishers are let in")

// Holder is a publisher who has a seat.
type Holder struct {
	Stream  string
	Address netip.Addr
	Agent   string
	Since   time.Time
	Bytes   uint64 // of media
}

// Holders returns who has seats, by stream.
func (s *Seats) Holders() []Holder {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Holder, 0, len(s.taken))
	for _, seat := range s.taken {
		list = append(list, seat.holder())
	}
	slices.SortFunc(list, func(a, b Holder) int { return cmp.Compare(a.Stream, b.Stream) })
	return list
}

func (s *Seat) holder() Holder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Holder{s.claim.Stream, s.claim.Address, s.claim.Agent, s.since, s.bytes}
}

// End ends the publication of a stream, and reports whether there was one.
func (s *Seats) End(stream string, cause error) bool {
	s.mu.Lock()
	seat := s.taken[stream]
	s.mu.Unlock()
	if seat == nil {
		return false
	}
	seat.claim.End(cause)
	return true
}

// Shut lets nobody new sit down.
func (s *Seats) Shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
}
