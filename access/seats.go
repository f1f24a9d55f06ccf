package access

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/limit"
)

// patience is how long a publisher that sends nothing keeps its name when
// another one asks for it. Encoders send sound every 20 ms or so, and a picture
// a second at the very least, so by then the connection is dead: the network
// changed, the machine lost its power. It is short, because the other one is
// most likely the same encoder, back already, and its viewers wait.
const patience = 3 * time.Second

// handover bounds the wait for the end of a publication that was told to end.
const handover = 5 * time.Second

var (
	// ErrTaken is returned to a publisher whose name another one has.
	ErrTaken = errors.New("the name is being published already")

	// ErrReplaced is what a publication ends with that another one took over.
	ErrReplaced = errors.New("another publisher took over")
)

// Claim is a publisher's wish for a name.
type Claim struct {
	Stream  string
	Address netip.Addr
	Agent   string // what the publisher calls itself

	// End ends the publication, whose Seat is then left. It must not block.
	End func(cause error)
}

// Seats gives each stream's name to one publisher at a time. Its methods may be
// called from any goroutine.
//
// A name that is taken goes to a newcomer when its holder proves to be dead:
// the newcomer is kept waiting until a frame of the holder comes, which refuses
// it, or until the holder has been silent for 3 s. So an encoder that lost its
// connection without a word is let in at once or within 3 s, never refused.
//
// With Replace a newcomer takes the name of a living holder too, but not
// back from the one that took it from it: two encoders with one key, which both
// reconnect by themselves, would take turns for ever.
type Seats struct {
	// Replace lets newcomers take the name of a holder that is alive.
	Replace bool

	mu    sync.Mutex
	taken map[string]*Seat
	shut  bool
}

// Seat is the hold of one publisher on a name.
type Seat struct {
	// static
	claim    Claim
	seats    *Seats
	since    time.Time
	left     chan struct{} // closed by Leave
	replaced []netip.Addr  // hosts of those that this one pushed out, and they before

	// guarded by mu
	mu    sync.Mutex
	heard time.Time
	bytes uint64
	news  chan struct{} // closed by the next Heard; nil: nobody waits for it
}

// Take returns the seat of the name claimed, or ErrTaken or ErrShut. It may wait for a
// few seconds, until ctx is done at the longest.
func (s *Seats) Take(ctx context.Context, c Claim) (*Seat, error) {
	ctx, cancel := context.WithTimeout(ctx, patience+handover)
	defer cancel()
	var replaced []netip.Addr
	for {
		seat, holder, err := s.sit(c, replaced)
		if holder == nil {
			return seat, err
		}
		if s.mayPush(holder, c) {
			replaced = append(slices.Clone(holder.replaced), limit.Host(holder.claim.Address))
		} else if err := holder.proveDead(ctx); err != nil {
			return nil, err
		}
		holder.claim.End(ErrReplaced)
		select {
		case <-holder.left:
		case <-ctx.Done():
			return nil, ErrTaken
		}
	}
}

// sit returns a new seat, or the present holder's.
func (s *Seats) sit(c Claim, replaced []netip.Addr) (seat, holder *Seat, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return nil, nil, ErrShut
	}
	if holder := s.taken[c.Stream]; holder != nil {
		return nil, holder, nil
	}
	if s.taken == nil {
		s.taken = make(map[string]*Seat)
	}
	now := time.Now()
	seat = &Seat{claim: c, seats: s, since: now, left: make(chan struct{}), replaced: replaced, heard: now}
	s.taken[c.Stream] = seat
	return seat, nil, nil
}

// mayPush says whether c may end a holder that is alive.
func (s *Seats) mayPush(holder *Seat, c Claim) bool {
	return s.Replace && !slices.Contains(holder.replaced, limit.Host(c.Address))
}

// proveDead returns nil when the seat has been silent for patience, ErrTaken
// as soon as it is not.
func (s *Seat) proveDead(ctx context.Context) error {
	news, silent := s.listen()
	timer := time.NewTimer(patience - silent)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.left:
		return nil
	case <-news:
		return ErrTaken
	case <-ctx.Done():
		return ErrTaken
	}
}

// listen returns a channel that the next frame closes, and how long ago the
// last one came.
func (s *Seat) listen() (news <-chan struct{}, silent time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.news == nil {
		s.news = make(chan struct{})
	}
	return s.news, time.Since(s.heard)
}

// Heard notes a frame of so many bytes that came at an instant.
func (s *Seat) Heard(at time.Time, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = at
	s.bytes += uint64(bytes)
	if s.news != nil {
		close(s.news)
		s.news = nil
	}
}

// Leave gives the name back. It is called once.
func (s *Seat) Leave() {
	s.seats.mu.Lock()
	delete(s.seats.taken, s.claim.Stream)
	s.seats.mu.Unlock()
	close(s.left)
}
