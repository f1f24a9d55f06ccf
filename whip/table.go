package whip

import (
	"crypto/sha256"
	"sync"
	"time"
)

// tombstone is how long a session that its peer ended first can still be
// deleted: OBS and whip-whep close the peer connection, then send DELETE.
const tombstone = 5 * time.Second

// sessionKey finds a session. It is a hash, so that the time of a look-up says
// nothing of how much of a guessed id was right, and it covers the stream, so
// that an id means nothing under another stream's URL.
type sessionKey [sha256.Size]byte

func keyOf(stream, id string) sessionKey { return sha256.Sum256([]byte(stream + "/" + id)) }

// table holds the sessions. Its zero value is empty.
type table struct {
	ends sync.WaitGroup // of sessions added

	mu sync.Mutex
	// guarded by mu
	live   map[sessionKey]*session
	graves map[sessionKey]*time.Timer
	closed bool
}

// add says false when the table is closed.
func (t *table) add(s *session) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if t.live == nil {
		t.live = make(map[sessionKey]*session)
		t.graves = make(map[sessionKey]*time.Timer)
	}
	t.live[s.key] = s
	t.ends.Add(1)
	return true
}

// find returns nil when there is no such session.
func (t *table) find(key sessionKey) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live[key]
}

// take removes what is at key: a session, or (nil, true) for the tombstone of
// one. It says true to one caller only.
func (t *table) take(key sessionKey) (*session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.live[key]; ok {
		delete(t.live, key)
		return s, true
	}
	grave, ok := t.graves[key]
	if ok {
		grave.Stop()
		delete(t.graves, key)
	}
	return nil, ok
}

// bury marks the end of a session that was added, and puts a tombstone in its
// place unless it has been taken.
func (t *table) bury(s *session) {
	defer t.ends.Done()
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.live[s.key]; !ok {
		return
	}
	delete(t.live, s.key)
	if key := s.key; !t.closed { // all else of the session is free
		t.graves[key] = time.AfterFunc(tombstone, func() { t.take(key) })
	}
}

// close ends the sessions and waits until the last is buried.
func (t *table) close() {
	t.mu.Lock()
	t.closed = true
	for key, grave := range t.graves {
		grave.Stop()
		delete(t.graves, key)
	}
	for _, s := range t.live {
		t.ends.Go(func() { _ = s.peer.Close() })
	}
	t.mu.Unlock()
	t.ends.Wait()
}
