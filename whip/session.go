package whip

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/rtc"
)

// viewer is an egress.Viewer; tests have another.
type viewer interface {
	Answer() string
	Ufrag() string
	AddCandidate(candidate string) error
	Status() (egress.Status, <-chan struct{})
	RestartICE(ufrag, pwd string) (rtc.ICE, error)
	Context() context.Context
	Close() error
}

// session is one viewer's WHEP session.
type session struct {
	// static
	id     string // 130 random bits, a capability: never logged
	key    sessionKey
	viewer viewer
	log    *slog.Logger
	began  time.Time

	// guarded by mu, which is held while ICE restarts
	mu      sync.Mutex
	etag    string                  // of the ICE session (draft-ietf-wish-whep §4.5.1)
	ufrag   string                  // of the viewer
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

// open makes a session of v, and sees to its end.
func (h *Handler) open(stream, remote string, v viewer) (*session, error) {
	id := rand.Text()
	key := keyOf(stream, id)
	s := &session{
		id:     id,
		key:    key,
		etag:   newTag(),
		ufrag:  v.Ufrag(),
		viewer: v,
		log:    h.log.With("stream", stream, "session", hex.EncodeToString(key[:4])),
		began:  time.Now(),
	}
	if !h.sessions.add(s) {
		_ = v.Close() // has nothing to tell: it was never connected
		return nil, egress.ErrClosed
	}
	h.metrics.Sessions.Inc()
	s.log.Info("session opened", "remote", remote)
	context.AfterFunc(v.Context(), func() { h.ended(s) })
	return s, nil
}

// ended runs once, when s's viewer has ended.
func (h *Handler) ended(s *session) {
	why := reason(context.Cause(s.viewer.Context()))
	h.metrics.Sessions.Dec()
	h.metrics.Ended(why)
	s.log.Debug("session ended", "reason", why, "after", time.Since(s.began).Round(time.Millisecond))
	h.sessions.bury(s)
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
	endOther          = "other"
)

func reason(cause error) string {
	switch {
	case errors.Is(cause, egress.ErrViewerClosed):
		return endDeleted
	case errors.Is(cause, egress.ErrViewerLeft):
		return endLeft
	case errors.Is(cause, egress.ErrNeverConnected):
		return endNeverConnected
	case errors.Is(cause, egress.ErrConsentLost):
		return endConsentLost
	case errors.Is(cause, egress.ErrStreamEnded):
		return endStreamEnded
	case errors.Is(cause, egress.ErrKicked):
		return endKicked
	case errors.Is(cause, egress.ErrCodecChanged):
		return endCodecChanged
	case errors.Is(cause, egress.ErrClosed):
		return endServerClosed
	default:
		return endOther
	}
}
