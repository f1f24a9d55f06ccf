package mediatest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/sluice-media/sluice/media"
)

// TB is what the Recorder needs of a testing.TB.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// ErrClosed is returned by a Write after Close.
var ErrClosed = errors.New("recorder is closed")

// Recorder is a media.Writer that keeps what it got and reports every breach
// of the Writer contract to its test: Writes of one kind at the same time,
// after Close or after an error, frames out of order, incomplete, or changed
// after they were written.
type Recorder struct {
	tb TB

	videoBusy, audioBusy atomic.Bool

	mu      sync.Mutex // guards what follows
	video   []*media.AccessUnit
	audio   []*media.AudioFrame
	sums    []sealed
	fail    error
	failed  bool // fail was returned to a Write
	closed  bool
	changed chan struct{} // closed and replaced at every change
	needed  bool          // NeedKeyframe was called
}

// NewRecorder returns a Recorder that reports to tb.
func NewRecorder(tb TB) *Recorder {
	return &Recorder{tb: tb, changed: make(chan struct{})}
}

// WriteVideo implements media.Writer.
func (r *Recorder) WriteVideo(au *media.AccessUnit) error {
	if !r.videoBusy.CompareAndSwap(false, true) {
		r.tb.Errorf("WriteVideo was called while another WriteVideo was running")
		return nil
	}
	defer r.videoBusy.Store(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.admit("WriteVideo"); err != nil {
		return err
	}
	var last *media.AccessUnit
	if n := len(r.video); n > 0 {
		last = r.video[n-1]
	}
	for _, p := range checkVideo(au, last) {
		r.tb.Errorf("video frame %d: %s", len(r.video), p)
	}
	r.sums = append(r.sums, seal(fmt.Sprintf("video frame %d", len(r.video)), au.NALUs...))
	r.video = append(r.video, au)
	r.notify()
	return nil
}

// WriteAudio implements media.Writer.
func (r *Recorder) WriteAudio(f *media.AudioFrame) error {
	if !r.audioBusy.CompareAndSwap(false, true) {
		r.tb.Errorf("WriteAudio was called while another WriteAudio was running")
		return nil
	}
	defer r.audioBusy.Store(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.admit("WriteAudio"); err != nil {
		return err
	}
	var last *media.AudioFrame
	if n := len(r.audio); n > 0 {
		last = r.audio[n-1]
	}
	for _, p := range checkAudio(f, last) {
		r.tb.Errorf("audio frame %d: %s", len(r.audio), p)
	}
	r.sums = append(r.sums, seal(fmt.Sprintf("audio frame %d", len(r.audio)), f.Data))
	r.audio = append(r.audio, f)
	r.notify()
	return nil
}

// Close implements media.Writer.
func (r *Recorder) Close() error {
	if r.videoBusy.Load() || r.audioBusy.Load() {
		r.tb.Errorf("Close was called while a Write was running")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.tb.Errorf("Close was called twice")
		return ErrClosed
	}
	r.closed = true
	for _, s := range r.sums {
		if s.broken() {
			r.tb.Errorf("%s was changed after it was written", s.name)
		}
	}
	r.notify()
	return nil
}

// Fail makes every following Write return err; nil makes them succeed again.
func (r *Recorder) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail, r.failed = err, false
}

// NeedKeyframe makes KeyframeNeeded report true once.
func (r *Recorder) NeedKeyframe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.needed = true
}

// KeyframeNeeded reports whether a viewer needs a keyframe, as some Writers do.
func (r *Recorder) KeyframeNeeded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	needed := r.needed
	r.needed = false
	return needed
}

// Video returns the access units written so far.
func (r *Recorder) Video() []*media.AccessUnit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*media.AccessUnit(nil), r.video...)
}

// Audio returns the audio frames written so far.
func (r *Recorder) Audio() []*media.AudioFrame {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*media.AudioFrame(nil), r.audio...)
}

// Closed says whether Close was called.
func (r *Recorder) Closed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// Wait returns when at least so many frames were written in all, or an error
// when ctx ends or the Recorder is closed before.
func (r *Recorder) Wait(ctx context.Context, video, audio int) error {
	for {
		r.mu.Lock()
		v, a, closed, changed := len(r.video), len(r.audio), r.closed, r.changed
		r.mu.Unlock()
		if v >= video && a >= audio {
			return nil
		}
		if closed {
			return fmt.Errorf("closed after %d of %d video and %d of %d audio frames", v, video, a, audio)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d video and %d of %d audio frames: %w", v, video, a, audio, ctx.Err())
		}
	}
}

// admit says whether a Write may go on; r.mu is held.
func (r *Recorder) admit(what string) error {
	switch {
	case r.closed:
		r.tb.Errorf("%s was called after Close", what)
		return ErrClosed
	case r.fail == nil:
		return nil
	case r.failed:
		r.tb.Errorf("%s was called after a Write had failed", what)
	}
	r.failed = true
	return r.fail
}

// notify wakes Wait; r.mu is held.
func (r *Recorder) notify() {
	close(r.changed)
	r.changed = make(chan struct{})
}
