package transcode

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/transcode/flv"
)

const (
	// base is the FLV timestamp of a process's first frame. It is above 0
	// because the encoder's look-ahead puts the first packet before it, and
	// the muxer shifts negative times.
	base = time.Second

	// lookahead is what the encoder needs beyond a packet's end, 120 samples
	// (-application lowdelay).
	lookahead = 2500 * time.Microsecond
)

// feed is what one process has been given.
type feed struct {
	process *process

	// owned by write
	config *media.AudioConfig // the last one given
	buf    []byte

	// guarded by encoder.mu
	begun  bool
	epoch  time.Duration // media time of timestamp 0
	ledger ledger
	stall  stall
	cause  error // why write has killed the process

	returned bool // a packet; owned by run
}

// mediaTime is that of a timestamp of the process's output.
func (f *feed) mediaTime(pts time.Duration) time.Duration { return f.epoch + pts }

// note enters a frame before it is written, so that its packet finds it, and
// says whether the process has stalled.
func (f *feed) note(frame *media.AudioFrame, at place, now time.Time) (stalled bool) {
	if !f.begun {
		f.begun, f.epoch = true, at.start-base
	}
	f.ledger.push(entry{end: at.end, skew: at.skew, arrival: frame.Arrival})
	return f.stall.fed(now, at.end-at.start)
}

// write gives the process a frame, after what has to come before it, in one
// piece.
func (f *feed) write(frame *media.AudioFrame, at place) error {
	// FLV counts milliseconds in 32 bits; ffmpeg follows the wrap.
	ms := uint32((at.start - f.epoch + time.Millisecond/2) / time.Millisecond)
	b := f.buf[:0]
	if f.config == nil {
		b = flv.AppendHeader(b)
	}
	if f.config != frame.Config {
		_ = setPipeSize(f.process.stdin, pipeSize(frame.Config)) // another size works too, not as well
	}
	switch {
	case frame.Codec == media.MP3:
		f.buf = flv.AppendMP3(b, ms, frame.Data)
	case f.config != frame.Config:
		b = flv.AppendConfig(b, ms, frame.Config.ASC)
		fallthrough
	default:
		f.buf = flv.AppendFrame(b, ms, frame.Data)
	}
	if err := f.process.write(f.buf); err != nil {
		return err
	}
	f.config = frame.Config
	return nil
}

// write gives a frame to the process, if there is one. It returns the
// error that ended the encoder.
func (e *encoder) write(frame *media.AudioFrame, at place) error {
	select {
	case <-e.done:
		return e.err
	default:
	}
	if n := len(frame.Data); n == 0 || n > maxFrame(frame.Config) {
		e.metrics.Dropped(DropInvalid) // a gap, as if it had been lost
		return nil
	}
	e.mu.Lock()
	f, idle := e.feed, e.idle
	stalled := f != nil && f.note(frame, at, e.pool.now())
	e.mu.Unlock()
	if f == nil {
		e.metrics.Dropped(idle)
		return nil
	}
	if stalled {
		e.abandon(f, errNothingDone)
		return nil
	}
	if err := f.write(frame, at); err != nil {
		e.refused(f, err)
	}
	return nil
}

// refused deals with a frame that the process did not take.
func (e *encoder) refused(f *feed, err error) {
	if errors.Is(err, errPartialWrite) {
		e.abandon(f, err)
		return
	}
	e.mu.Lock()
	f.ledger.cancel()
	e.mu.Unlock()
	if errors.Is(err, errPipeFull) {
		e.metrics.Dropped(DropPipeFull)
	} else {
		e.metrics.Dropped(DropDead)
	}
}

// abandon kills a process that is of no use any more; run will replace it.
func (e *encoder) abandon(f *feed, cause error) {
	e.metrics.Dropped(DropDead)
	e.mu.Lock()
	f.cause = fmt.Errorf("ffmpeg was killed: %w", cause)
	e.mu.Unlock()
	f.process.kill()
}
