package egress

import "sync"

// Bounds of a viewer's backlog in frames.
const (
	// backlogAudio is five seconds of audio: what a publisher whose network
	// stalled may send at once.
	backlogAudio = 250
	// backlogLive is how far a live viewer's video may be behind, for the same
	// reason: five seconds at 30 fps. Beyond that it skips to the cache.
	backlogLive = 150
	// backlogReplay bounds the video of a viewer that catches up: the largest
	// replay and as much again that comes meanwhile.
	backlogReplay = 2 * gopFrames
)

// phase is where a viewer's video stands.
type phase uint8

const (
	waiting  phase = iota // for the next IDR
	catching              // up with the cache
	live
)

// backlog holds the frames that a viewer has not been sent. The hub appends,
// the viewer's sending goroutine takes.
type backlog struct {
	drop func(DropReason, int)
	wake func() // called when there is something new

	// guarded by mu
	mu    sync.Mutex
	video []*Frame // from next on: consecutive, in decoding order
	next  int
	audio []*Frame
	phase phase
	began bool // video was sent: from now on waiting costs frames
	stale bool // video does not follow what was sent; the sender is to resume from the cache
}

// newBacklog returns one that is stale, so that it begins with a replay.
func newBacklog(drop func(DropReason, int), wake func()) *backlog {
	return &backlog{drop: drop, wake: wake, stale: true}
}

// Deliver implements Subscriber: it appends a frame, or drops it whole.
func (b *backlog) Deliver(f *Frame) {
	b.mu.Lock()
	if f.Kind == Audio {
		b.addAudio(f)
	} else {
		b.addVideo(f)
	}
	b.mu.Unlock()
	b.wake()
}

func (b *backlog) addAudio(f *Frame) {
	if len(b.audio) >= backlogAudio {
		b.drop(DropQueueFull, 1)
		return
	}
	b.audio = append(b.audio, f)
}

func (b *backlog) addVideo(f *Frame) {
	pending := len(b.video) - b.next
	switch {
	case f.IDR && (b.stale || b.phase != live):
		// Nothing before it is needed any more.
		if b.phase == catching {
			b.drop(DropSuperseded, pending)
		} else {
			b.phase = live
		}
		b.set(f)
		b.stale = false
	case b.phase == waiting && !b.stale:
		if b.began {
			b.drop(DropWaitIDR, 1)
		}
	case pending >= backlogReplay, b.phase == live && !b.stale && pending >= backlogLive:
		b.drop(DropQueueFull, pending)
		b.set(f)
		b.stale = true
	default:
		b.video = append(b.video, f)
	}
}

// set makes the video be just these frames; mu is held.
func (b *backlog) set(frames ...*Frame) {
	b.video, b.next = append(b.video[:0], frames...), 0
}

// resume goes on with the frames of a replay and those that came since it was
// taken.
func (b *backlog) resume(r Replay) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := r.Frames[len(r.Frames)-1].Index
	video := append(make([]*Frame, 0, len(r.Frames)+16), r.Frames...)
	for _, f := range b.video[b.next:] {
		if f.Index <= last {
			continue
		}
		if f.IDR { // it came just now
			video = video[:0]
		}
		video = append(video, f)
	}
	b.video, b.next, b.phase, b.stale = video, 0, catching, false
}

// wait makes the video go on at the next IDR, after a poster if there is one:
// the IDR that is already there.
func (b *backlog) wait(poster ...*Frame) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(poster...)
	b.phase, b.stale = waiting, false
}

// takeAudio returns the audio that has come.
func (b *backlog) takeAudio(into []*Frame) []*Frame {
	b.mu.Lock()
	defer b.mu.Unlock()
	into = append(into[:0], b.audio...)
	b.audio = b.audio[:0]
	return into
}

// takeVideo returns the next frame, nil if there is none, and the phase that
// it belongs to. The last frame of a replay makes the viewer live.
func (b *backlog) takeVideo() (*Frame, phase) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stale || b.next == len(b.video) {
		return nil, b.phase
	}
	f, p := b.video[b.next], b.phase
	b.video[b.next] = nil
	b.next++
	b.began = true
	if b.next == len(b.video) {
		b.video, b.next = b.video[:0], 0
		if p == catching {
			b.phase = live
		}
	}
	return f, p
}

// state returns the phase and whether a replay is called for.
func (b *backlog) state() (p phase, stale bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.phase, b.stale
}

// pending returns the payload bytes of the video that was not taken.
func (b *backlog) pending() (bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.video[b.next:] {
		bytes += f.Size
	}
	return bytes
}
