package whip

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-media/sluice/contribute"
	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/metrics/meter"
	"github.com/sluice-media/sluice/rtc"
)

// peer is an egress.Viewer or a contribute.Publisher; tests have another.
type peer interface {
	Answer() string
	Ufrag() string
	AddCandidate(candidate string) error
	RestartICE(ufrag, pwd string) (rtc.ICE, error)
	Context() context.Context
	Close() error
}

// viewer is a peer that says how its stream is.
type viewer interface {
	peer
	Status() (egress.Status, <-chan struct{})
}

// session is the WHEP session of a viewer or the WHIP session of a publisher.
type session struct {
	// static
	id    string // 130 random bits, a capability: never logged
	key   sessionKey
	peer  peer
	view  viewer // the peer, where it is one
	log   *slog.Logger
	began time.Time

	// guarded by mu, which is held while ICE restarts
	mu      sync.Mutex
	etag    string                  // of the ICE session (draft-ietf-wish-whep §4.5.1)
	ufrag   string                  // of the peer
	streams map[string]*eventStream // by id
}

// newTag returns a strong entity tag (RFC 9110 §8.8.3).
func newTag() string { return `"` + rand.Text() + `"` }

// tag returns the present entity tag.
func (s *session) tag() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.etag
}

// open makes a session of p under the name in the URL, and sees to its end.
func (d *door) open(name, stream, remote string, p peer) (*session, error) {
	id := rand.Text()
	key := keyOf(name, id)
	s := &session{
		id:    id,
		key:   key,
		etag:  newTag(),
		ufrag: p.Ufrag(),
		peer:  p,
		log:   d.log.With("stream", stream, "session", hex.EncodeToString(key[:4])),
		began: time.Now(),
	}
	s.view, _ = p.(viewer)
	if !d.sessions.add(s) {
		_ = p.Close() // has nothing to tell: it was never connected
		return nil, egress.ErrClosed
	}
	d.metrics.Sessions.Inc()
	s.log.Info("session opened", "remote", remote)
	context.AfterFunc(p.Context(), func() { d.ended(s) })
	return s, nil
}

// ended runs once, when s's peer has ended.
func (d *door) ended(s *session) {
	why := reason(context.Cause(s.peer.Context()))
	d.metrics.Sessions.Dec()
	d.metrics.Ended(why)
	s.log.Debug("session ended", "reason", why, "after", time.Since(s.began).Round(time.Millisecond))
	d.sessions.bury(s)
}

// Why a session ended, as a label of the metrics.
const (
	endDeleted        = "deleted"
	endLeft           = "left"
	endNeverConnected = "never_connected"
	endConsentLost    = "consent_lost"
	endStreamEnded    = "stream_ended"
	endServerClosed   = "server_closed"
	endCodecChanged   = "codec_changed"
	endKicked         = "kicked"
	endIdle           = "idle_timeout"
	endEnded          = "ended"
	endOther          = "other"
)

func reason(cause error) string {
	is := func(target error) bool { return errors.Is(cause, target) }
	var excess *meter.Excess
	switch {
	case errors.As(cause, &excess):
		return excess.Reason
	case is(egress.ErrViewerClosed), is(contribute.ErrStopped):
		return endDeleted
	case is(egress.ErrViewerLeft), is(contribute.ErrLeft):
		return endLeft
	case is(egress.ErrNeverConnected), is(contribute.ErrNeverConnected):
		return endNeverConnected
	case is(egress.ErrConsentLost), is(contribute.ErrConsentLost):
		return endConsentLost
	case is(egress.ErrStreamEnded), is(contribute.ErrStream):
		return endStreamEnded
	case is(egress.ErrKicked):
		return endKicked
	case is(egress.ErrCodecChanged):
		return endCodecChanged
	case is(contribute.ErrIdle):
		return endIdle
	case is(contribute.ErrEnded):
		return endEnded
	case is(egress.ErrClosed), is(contribute.ErrClosed):
		return endServerClosed
	default:
		return endOther
	}
}
