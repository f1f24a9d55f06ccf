package chunk

import (
	"container/list"
	"sync"
)

// Budget bounds what the unfinished messages of all publishers hold together,
// beyond the Free bytes of each. When they hold more, the publisher is ended
// whose messages have been above Free for longest: an honest one's keyframe is
// whole in a moment, while one who attacks must hold on to what he has. Its
// methods may be called from any goroutine.
type Budget struct {
	most int

	// guarded by mu
	mu      sync.Mutex
	held    int       // bytes, without those of the evicted
	holders list.List // of *holding, the oldest first
}

// holding is one Reader's part of a Budget. Its fields are guarded by the
// Budget's mutex, except that the Reader looks at whether it has any.
type holding struct {
	bytes   int
	evict   func()
	element *list.Element // nil: it holds nothing, or was evicted
	evicted bool
}

// NewBudget returns a Budget of so many bytes.
func NewBudget(most int) *Budget { return &Budget{most: most} }

// hold sets what a Reader holds.
func (b *Budget) hold(h *holding, bytes int) {
	bytes = max(bytes, 0)
	if b == nil || bytes == 0 && h.bytes == 0 {
		return // nearly always; only its Reader changes h.bytes
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.evicted {
		return
	}
	b.held += bytes - h.bytes
	switch h.bytes = bytes; {
	case bytes == 0:
		b.holders.Remove(h.element)
		h.element = nil
	case h.element == nil:
		h.element = b.holders.PushBack(h)
	}
	for b.held > b.most {
		oldest := b.holders.Remove(b.holders.Front()).(*holding)
		b.held -= oldest.bytes
		oldest.element, oldest.evicted = nil, true
		oldest.evict()
	}
}
