package transcode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-media/sluice/metrics"
)

// limitRetry is the pause between attempts while all processes are taken.
const limitRetry = time.Second

// errReplaced ends a process that is to be followed by one with other
// arguments.
var errReplaced = errors.New("ffmpeg is replaced by one with other arguments")

// supervisor keeps a process at work, one after the other, until it is stopped.
type supervisor struct {
	// static
	pool    *Pool
	metrics *metrics.Transcode
	logger  *slog.Logger
	product string // what the processes make
	cancel  context.CancelFunc
	done    chan struct{} // closed when run has returned

	// owned by run
	backoff backoff
	err     error // of the next Writer; anyone's after done

	mu   sync.Mutex
	idle string // why there is no process: a drop reason
}

func (p *Pool) newSupervisor(stream, product string, m *metrics.Transcode) (context.Context, *supervisor) {
	ctx, cancel := context.WithCancel(p.ctx)
	return ctx, &supervisor{
		pool: p, metrics: m, logger: p.cfg.Logger.With("stream", stream), product: product,
		cancel: cancel, done: make(chan struct{}), idle: DropStarting,
	}
}

// run lets serve take one process after the other until it is stopped.
func (s *supervisor) run(ctx context.Context, serve func(context.Context) error) {
	defer close(s.done)
	defer s.metrics.Failed.Set(0)
	for {
		began := s.pool.now()
		err := serve(ctx)
		if ctx.Err() != nil || s.err != nil {
			return
		}
		if errors.Is(err, errReplaced) {
			continue
		}
		s.pool.sleep(ctx, s.pause(began, err))
		if ctx.Err() != nil {
			return
		}
	}
}

// stop ends run, the process with it, and waits.
func (s *supervisor) stop() {
	s.cancel()
	<-s.done
}

// pause says how long to wait after a process failed, and tells the world.
func (s *supervisor) pause(began time.Time, err error) time.Duration {
	if errors.Is(err, errTooMany) || errors.Is(err, errTooLarge) {
		if s.setIdle(DropLimit) != DropLimit {
			s.logger.Warn("no "+s.product, "error", err)
		}
		return limitRetry
	}
	pause := s.backoff.failed(began, s.pool.now())
	s.metrics.Restarts.Inc()
	if s.backoff.givenUp {
		s.metrics.Failed.Set(1)
		s.setIdle(DropFailed)
		s.logger.Error("no "+s.product+": ffmpeg fails again and again", "error", err, "retry", pause)
		return pause
	}
	s.setIdle(DropStarting)
	s.logger.Warn("ffmpeg is replaced", "error", err, "pause", pause)
	return pause
}

func (s *supervisor) setIdle(reason string) (before string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.idle = s.idle, reason
	return before
}

// use reads a process until it ends, or ctx does, and ends it. It returns why:
// the cause for which it was killed, if there is one, the error of read or that
// of the process.
func (p *process) use(ctx context.Context, read, cause func() error) error {
	unwatch := context.AfterFunc(ctx, p.kill)
	err := read()
	unwatch()
	killed := cause()
	exit := p.end()
	switch {
	case killed != nil:
		err = killed
	case errors.Is(err, errEnded):
		err = exit
	}
	if said := p.tail.String(); said != "" {
		return fmt.Errorf("%w; the last it said: %s", err, said)
	}
	return err
}
