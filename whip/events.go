package whip

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Server-sent events of a session, an extension of WHEP (the working group's
// webrtc-http-egress-events): what a player is told beside its media. The URLs
// are below the session's and therefore capabilities as well; an EventSource
// cannot send a token.

// The events there are.
const (
	eventActive      = "active"
	eventInactive    = "inactive"
	eventViewerCount = "viewercount"
)

const (
	relEvents = "urn:ietf:params:whep:ext:core:server-sent-events"

	// maxEventStreams of one session: a player needs one.
	maxEventStreams = 4
	// maxEventList bounds the body that asks for events.
	maxEventList = 1 << 10
)

// eventStream is what a client asked for with POST.
type eventStream struct {
	// static
	kinds []string
	ended <-chan struct{} // closed when it was deleted or the session has ended
	end   context.CancelFunc

	// guarded by the session's mu
	stop context.CancelFunc // ends who reads it; nil: nobody did yet
}

func allEvents() []string { return []string{eventActive, eventInactive, eventViewerCount} }

// eventsLink is the Link header of a 201.
func eventsLink(location string) string {
	return fmt.Sprintf(`<%s/events>; rel="%s"; events="%s"`, location, relEvents, strings.Join(allEvents(), ","))
}

// events is /whep/{app}/{key}/{session}/events, where event streams are made.
func (h *Handler) events() http.Handler {
	return with("Accept-Post", "application/json", methods{http.MethodPost: h.changing(h.makeEvents)})
}

// makeEvents takes a list of events, all of them if there is no body.
func (h *Handler) makeEvents(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	kinds := allEvents()
	if r.ContentLength != 0 {
		body, err := readBody(w, r, "application/json", maxEventList)
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &kinds); err != nil {
			return malformed("the body must be an array of the names of events")
		}
	}
	for _, k := range kinds {
		if !slices.Contains(allEvents(), k) {
			return malformed("there is no event %.20q", k)
		}
	}
	id, err := s.addEvents(kinds)
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.URL.EscapedPath()+"/"+id)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	return nil
}

// addEvents makes an event stream, which ends with the session.
func (s *session) addEvents(kinds []string) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.streams) >= maxEventStreams {
		return "", &problem{http.StatusTooManyRequests, "the session has enough event streams", retryBusy}
	}
	if s.streams == nil {
		s.streams = make(map[string]*eventStream)
	}
	id = rand.Text()
	ctx, end := context.WithCancel(s.view.Context())
	s.streams[id] = &eventStream{kinds: kinds, ended: ctx.Done(), end: end}
	return id, nil
}

// eventStream is /whep/{app}/{key}/{session}/events/{stream}.
func (h *Handler) eventStream() http.Handler {
	return methods{http.MethodGet: h.changing(h.sendEvents), http.MethodDelete: h.changing(h.endEvents)}
}

// endEvents ends an event stream.
func (h *Handler) endEvents(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("stream")
	e := s.streams[id]
	if e == nil {
		return errNoEvents()
	}
	delete(s.streams, id)
	e.end()
	w.WriteHeader(http.StatusOK)
	return nil
}

func errNoEvents() error { return refuse(http.StatusNotFound, "no such event stream") }
