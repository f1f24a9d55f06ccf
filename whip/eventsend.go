package whip

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/sluice-media/sluice/egress"
)

const (
	// eventPause is the least time between two looks at the stream's status,
	// so that a crowd that comes or goes costs little.
	eventPause = time.Second
	// eventPulse is how often something is sent, for proxies that cut silent
	// connections.
	eventPulse = 15 * time.Second
	// eventStall is how long a client may take to read an event.
	eventStall = 10 * time.Second
)

// sendEvents answers GET with events until the client, the event stream or the
// session is gone.
func (h *Handler) sendEvents(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	e, err := s.readEvents(r.PathValue("stream"), stop)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	w.WriteHeader(http.StatusOK)
	c := eventClient{w: w, control: http.NewResponseController(w)}
	c.follow(ctx, e, s.view.Status)
	return nil
}

// readEvents returns an event stream for one who reads it and whom stop stops.
// There is one: a client that comes again takes the place of its lost connection.
func (s *session) readEvents(id string, stop context.CancelFunc) (*eventStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.streams[id]
	if e == nil {
		return nil, errNoEvents()
	}
	if e.stop != nil {
		e.stop()
	}
	e.stop = stop
	return e, nil
}

// eventClient is who reads events.
type eventClient struct {
	w       io.Writer
	control *http.ResponseController
}

// follow sends what changes until ctx is done, the event stream has ended or the
// client is gone. The first time that is what holds, except that nobody
// publishes: the extension forbids an initial "inactive".
func (c eventClient) follow(ctx context.Context, e *eventStream, status func() (egress.Status, <-chan struct{})) {
	pulse := time.NewTicker(eventPulse)
	defer pulse.Stop()
	told := egress.Status{Viewers: -1}
	for {
		now, changed := status()
		text := news(told, now, e.kinds)
		if told = now; c.send(text) != nil {
			return
		}
		for waiting := true; waiting; {
			select {
			case <-changed:
				waiting = false
			case <-pulse.C:
				if c.send(":\n\n") != nil {
					return
				}
			case <-ctx.Done():
				return
			case <-e.ended:
				return
			}
		}
		select {
		case <-time.After(eventPause):
		case <-ctx.Done():
			return
		case <-e.ended:
			return
		}
	}
}

// send writes events, or at the begin only the header.
func (c eventClient) send(text string) error {
	// A writer without deadlines is one of a test.
	_ = c.control.SetWriteDeadline(time.Now().Add(eventStall))
	if _, err := io.WriteString(c.w, text); err != nil {
		return err
	}
	if err := c.control.Flush(); err != nil {
		return err
	}
	_ = c.control.SetWriteDeadline(time.Time{}) // it would end an idle HTTP/2 stream
	return nil
}

// news returns the events between two statuses.
func news(told, now egress.Status, kinds []string) string {
	text := ""
	add := func(kind, data string) {
		if slices.Contains(kinds, kind) {
			text += fmt.Sprintf("event: %s\ndata: %s\n\n", kind, data)
		}
	}
	switch {
	case now.Live && !told.Live:
		add(eventActive, "{}")
	case told.Live && !now.Live:
		add(eventInactive, "{}")
	}
	if now.Viewers != told.Viewers {
		add(eventViewerCount, fmt.Sprintf(`{"viewercount":%d}`, now.Viewers))
	}
	return text
}
