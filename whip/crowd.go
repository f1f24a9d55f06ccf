package whip

import (
	"cmp"
	"math"
	"net/http"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/limit"
)

// crowd bounds what one address may do (draft-ietf-wish-whep §5). An address of
// this machine may do what it likes: what comes from there is the operator's, or
// a proxy's that Sluice was not told of and that stands for everybody.
type crowd struct {
	joins    *limit.Rate // POST
	changes  *limit.Rate // of what POST made: PATCH, DELETE, event streams
	sessions *limit.Count
}

const (
	// joinBurst is what a classroom behind one address needs at nine o'clock,
	// in seconds' worth of joins.
	joinBurst = 10
	// changesPerJoin is generous: a player trickles a handful of candidates
	// and deletes its session.
	changesPerJoin = 10
)

// Why an address is refused; metric labels.
const (
	refusedJoins    = "too_many_joins"
	refusedChanges  = "too_many_changes"
	refusedSessions = "too_many_from_address"
	refusedGuesses  = "too_many_guesses"
)

// newCrowd returns a crowd of perSecond joins and sessions for each address.
func newCrowd(perSecond, sessions int) crowd {
	perSecond = cmp.Or(perSecond, 20)
	every := time.Second / time.Duration(perSecond)
	return crowd{
		joins:    limit.NewRate(every, perSecond*joinBurst),
		changes:  limit.NewRate(every/changesPerJoin, perSecond*joinBurst*changesPerJoin),
		sessions: limit.NewCount(cmp.Or(sessions, 500)),
	}
}

// addressOf returns whom a request counts for, and false if for nobody.
func addressOf(r *http.Request) (netip.Addr, bool) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return from.Addr(), err == nil && !from.Addr().Unmap().IsLoopback()
}

// action is what a method of a URL does.
type action = func(http.ResponseWriter, *http.Request) error

// joining refuses what makes sessions where its address does so too often.
func (d *door) joining(do action) action { return d.often(d.crowd.joins, refusedJoins, do) }

// changing is the same for what is done with sessions.
func (d *door) changing(do action) action { return d.often(d.crowd.changes, refusedChanges, do) }

func (d *door) often(rate *limit.Rate, reason string, do action) action {
	return func(w http.ResponseWriter, r *http.Request) error {
		if from, ok := addressOf(r); ok {
			if wait := rate.Take(from, time.Now()); wait > 0 {
				d.metrics.Refused(reason)
				return tooMany("too many requests from this address", wait)
			}
		}
		return do(w, r)
	}
}

// tooMany is a 429 (RFC 6585 §4).
func tooMany(detail string, wait time.Duration) error {
	return &problem{http.StatusTooManyRequests, detail, int(math.Ceil(wait.Seconds()))}
}

// count counts a session of the request's address, until leave is called.
func (d *door) count(r *http.Request) (leave func(), err error) {
	from, ok := addressOf(r)
	switch {
	case !ok:
		return func() {}, nil
	case !d.crowd.sessions.Take(from):
		d.metrics.Refused(refusedSessions)
		return nil, tooMany("too many sessions from this address", retryBusy*time.Second)
	}
	return func() { d.crowd.sessions.Release(from) }, nil
}
