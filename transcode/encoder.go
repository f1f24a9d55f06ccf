package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/transcode/nut"
)

const (
	// maxOpusPacket is the limit of a packet of one frame of 20 ms
	// (RFC 6716 §3.4, R2: 1275 bytes, and the TOC byte).
	maxOpusPacket = 1276

	// limitRetry is the pause between attempts while all processes are taken.
	limitRetry = time.Second
)

// encoder encodes one stream for as long as it has listeners, in one process
// after another. write feeds it from the publisher's goroutine; run is its own
// goroutine, which reads and supervises.
type encoder struct {
	// static
	pool    *Pool
	next    media.Writer
	metrics *metrics.Transcode
	config  *media.AudioConfig // of the Opus frames
	logger  *slog.Logger
	cancel  context.CancelFunc
	done    chan struct{} // closed when run has returned

	// owned by run
	out     *counter
	backoff backoff
	err     error // of next; anyone's after done

	mu   sync.Mutex
	feed *feed  // nil while there is no process
	idle string // why there is none: a drop reason
}

// run serves one process after the other until it is stopped.
func (e *encoder) run(ctx context.Context) {
	defer close(e.done)
	defer e.metrics.Failed.Set(0)
	for {
		began := e.pool.now()
		err := e.serve(ctx)
		if ctx.Err() != nil || e.err != nil {
			return
		}
		e.pool.sleep(ctx, e.pause(began, err))
		if ctx.Err() != nil {
			return
		}
	}
}

// stop ends run, the process with it, and waits.
func (e *encoder) stop() {
	e.cancel()
	<-e.done
}

// pause says how long to wait after a process failed, and tells the world.
func (e *encoder) pause(began time.Time, err error) time.Duration {
	if errors.Is(err, errTooMany) {
		if e.setIdle(DropLimit) != DropLimit {
			e.logger.Warn("no sound", "error", err)
		}
		return limitRetry
	}
	pause := e.backoff.failed(began, e.pool.now())
	e.metrics.Restarts.Inc()
	if e.backoff.givenUp {
		e.metrics.Failed.Set(1)
		e.setIdle(DropFailed)
		e.logger.Error("no sound: ffmpeg fails again and again", "error", err, "retry", pause)
		return pause
	}
	e.setIdle(DropStarting)
	e.logger.Warn("ffmpeg is replaced", "error", err, "pause", pause)
	return pause
}

func (e *encoder) setIdle(reason string) (before string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, e.idle = e.idle, reason
	return before
}

// serve takes a process and reads its packets until it ends. It returns why.
func (e *encoder) serve(ctx context.Context) error {
	p, err := e.pool.take(ctx)
	if err != nil {
		return err
	}
	f := &feed{process: p, stall: stall{ready: time.Since(p.start) > startTimeout}}
	_ = e.setFeed(f) // there was none
	unwatch := context.AfterFunc(ctx, p.kill)
	err = e.read(f)
	unwatch()
	cause := e.setFeed(nil)
	exit := p.end()
	e.metrics.Queue.Set(0)
	switch {
	case cause != nil:
		err = cause
	case errors.Is(err, errEnded):
		err = exit
	}
	if said := p.tail.String(); said != "" {
		return fmt.Errorf("%w; the last it said: %s", err, said)
	}
	return err
}

// setFeed lets write use f, or nothing, and returns why it has killed the
// process that it used before.
func (e *encoder) setFeed(f *feed) (cause error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.feed != nil {
		cause = e.feed.cause
	}
	e.feed = f
	return cause
}

// errEnded stands for the end of a process's output.
var errEnded = errors.New("ffmpeg's output ended")

// read writes on what the process returns until it ends.
func (e *encoder) read(f *feed) error {
	r := nut.NewReader(f.process.stdout, maxOpusPacket)
	for {
		p, err := r.Next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrDeadlineExceeded):
			return errEnded
		case err != nil:
			return fmt.Errorf("read ffmpeg's output: %w", err)
		}
		if cc := r.Stream(p.Stream).FourCC; cc != "Opus" || len(p.Data) == 0 {
			return fmt.Errorf("ffmpeg returned %d bytes of %q, want Opus", len(p.Data), cc)
		}
		if err := e.emit(f, p); err != nil {
			e.err = err
			return err
		}
	}
}

// emit writes one packet on.
func (e *encoder) emit(f *feed, p nut.Packet) error {
	e.mu.Lock()
	at := f.mediaTime(p.PTS)
	pts, ok := e.out.stamp(at)
	if !ok {
		e.mu.Unlock()
		return nil
	}
	first := !f.returned
	f.returned = true
	f.stall.returned()
	from := f.ledger.complete(at + packetDuration + lookahead - wobble)
	queue := len(f.ledger.entries)
	e.mu.Unlock()

	if first {
		e.metrics.Failed.Set(0)
		e.logger.Info("sound is encoded", "pid", f.process.cmd.Process.Pid)
	}
	e.metrics.Queue.Set(float64(queue))
	e.metrics.Delay.Observe(e.pool.now().Sub(from.arrival).Seconds())
	return e.next.WriteAudio(&media.AudioFrame{
		Codec: media.Opus, PTS: pts, Duration: packetDuration, Skew: from.skew,
		Data: p.Data, Config: e.config, Arrival: from.arrival,
	})
}
