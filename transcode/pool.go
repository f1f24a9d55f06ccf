package transcode

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	errClosed      = errors.New("transcode: pool is closed")
	errTooMany     = errors.New("limit of ffmpeg processes is reached")
	errNothingDone = errors.New("ffmpeg takes sound and returns none")
	errNoPictures  = errors.New("ffmpeg takes pictures and returns none")
	errTooSlow     = errors.New("this machine is too slow to encode the pictures anew")
)

// Pool starts ffmpeg processes, keeps some ready and ends them all. Its
// methods may be called from any goroutine.
type Pool struct {
	// static
	cfg    Config
	path   string
	args   []string                    // of audio encoders
	limits map[string]int              // by kind
	gauges map[string]prometheus.Gauge // by kind
	video  error                       // why it cannot encode video; nil: it can
	ctx    context.Context
	cancel context.CancelFunc
	now    func() time.Time
	sleep  func(context.Context, time.Duration)
	behind time.Duration // overloaded, but in tests

	orders chan order    // to run: start a process
	refill chan struct{} // to run: see to the spares

	running sync.WaitGroup // run and every watch

	mu     sync.Mutex
	spares []*process
	alive  map[*process]string // their kinds, until they are reaped
}

// The kinds of processes, by what they make; values of a metric label.
const (
	kindAudio = "audio"
	kindVideo = "video"
)

// order asks for a process.
type order struct {
	kind  string
	args  []string
	reply chan<- started
}

type started struct {
	process *process
	err     error
}

// NewPool checks that ffmpeg can do the work, and says in one sentence what to
// do if it cannot. All processes end when ctx does, at the latest.
func NewPool(ctx context.Context, cfg Config) (*Pool, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	path, version, err := check(ctx, cfg.FFmpeg)
	if err != nil {
		return nil, err
	}
	cfg.Logger.Info("ffmpeg found", "path", path, "version", version)
	video := checkEncoder(ctx, path, cfg.VideoEncoder)
	if video == nil && cfg.VideoEncoder != X264 {
		if err := tryHardware(ctx, path, cfg.VideoEncoder); err != nil {
			return nil, err
		}
	}
	if video != nil {
		cfg.Logger.Warn("video that browsers cannot show will not be re-encoded", "error", video)
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &Pool{
		cfg: cfg, path: path, args: arguments(cfg.Bitrate),
		limits: map[string]int{kindAudio: cfg.MaxProcesses, kindVideo: cfg.MaxVideoEncoders},
		gauges: map[string]prometheus.Gauge{kindAudio: cfg.Metrics.Processes(kindAudio), kindVideo: cfg.Metrics.Processes(kindVideo)},
		video:  video,
		ctx:    ctx, cancel: cancel, now: time.Now, sleep: sleep, behind: overloaded,
		orders: make(chan order),
		refill: make(chan struct{}, 1),
		alive:  make(map[*process]string),
	}
	p.running.Go(p.run)
	p.wantSpares()
	return p, nil
}

// arguments are those of an encoder from FLV on stdin to NUT on stdout. With
// -copyts a timestamp in NUT is that in FLV; with a probesize of 32 the first
// packet comes at once and not after 5 s; max_alloc bounds what a forged
// stream can make it allocate.
func arguments(bitrate int) []string {
	return []string{
		"-nostdin", "-hide_banner", "-nostats", "-loglevel", "error",
		"-protocol_whitelist", "pipe", "-max_alloc", "67108864", "-filter_threads", "1",
		"-threads", "1", "-probesize", "32", "-analyzeduration", "0", "-copyts", "-f", "flv", "-i", "pipe:0",
		"-map", "0:a:0", "-vn", "-c:a", "libopus", "-b:a", strconv.Itoa(bitrate), "-ar", "48000", "-ac", "2",
		"-application", "lowdelay", "-frame_duration", "20", "-threads", "1",
		"-f", "nut", "-write_index", "0", "pipe:1",
	}
}

// Close ends every process and waits until all are reaped.
func (p *Pool) Close() error {
	p.cancel()
	p.running.Wait()
	return nil
}

// run starts the processes, on a thread that lives as long as the Pool: the
// kernel takes the end of a thread for the death of a parent (prctl(2),
// PR_SET_PDEATHSIG).
func (p *Pool) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case <-p.ctx.Done():
			p.endAll()
			return
		case o := <-p.orders:
			o.reply <- p.provide(o)
		case <-p.refill:
			p.fillSpares()
		}
	}
}

// provide returns a process that was asked for when there was no spare.
func (p *Pool) provide(o order) (s started) {
	if o.kind == kindAudio {
		s.process = p.takeSpare()
	}
	if s.process == nil { // there is none meanwhile
		s.process, s.err = p.start(o.kind, o.args)
	}
	return s
}

// start starts a process; only run calls it.
func (p *Pool) start(kind string, args []string) (*process, error) {
	p.mu.Lock()
	n := 0
	for _, of := range p.alive {
		if of == kind {
			n++
		}
	}
	p.mu.Unlock()
	if limit := p.limits[kind]; n >= limit {
		return nil, fmt.Errorf("%w (%d for %s)", errTooMany, limit, kind)
	}
	child, err := startProcess(p.path, args)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.path, err)
	}
	p.mu.Lock()
	p.alive[child] = kind
	p.mu.Unlock()
	p.gauges[kind].Inc()
	p.running.Go(func() {
		child.watch()
		p.mu.Lock()
		delete(p.alive, child)
		p.mu.Unlock()
		p.gauges[kind].Dec()
		close(child.done) // last: whoever waited may start another one
	})
	return child, nil
}

// fillSpares replaces what was taken or has died. It does not retry: the next
// take calls for it again.
func (p *Pool) fillSpares() {
	for p.missingSpares() > 0 {
		child, err := p.start(kindAudio, p.args)
		if errors.Is(err, errTooMany) {
			return
		}
		if err != nil {
			p.cfg.Logger.Warn("no spare ffmpeg", "error", err)
			return
		}
		p.mu.Lock()
		p.spares = append(p.spares, child)
		p.mu.Unlock()
	}
}

func (p *Pool) missingSpares() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cfg.Spares - len(p.spares)
}

func (p *Pool) wantSpares() {
	select {
	case p.refill <- struct{}{}:
	default: // it will look anyway
	}
}

// take returns an audio encoder that has not been fed, a spare if there is one.
// The caller ends it.
func (p *Pool) take(ctx context.Context) (*process, error) {
	defer p.wantSpares()
	if child := p.takeSpare(); child != nil {
		return child, nil
	}
	return p.order(ctx, kindAudio, p.args)
}

// order returns a new process. The caller ends it.
func (p *Pool) order(ctx context.Context, kind string, args []string) (*process, error) {
	reply := make(chan started, 1)
	select {
	case p.orders <- order{kind, args, reply}:
		s := <-reply
		return s.process, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ctx.Done():
		return nil, errClosed
	}
}

func (p *Pool) takeSpare() *process {
	for {
		p.mu.Lock()
		if len(p.spares) == 0 {
			p.mu.Unlock()
			return nil
		}
		child := p.spares[0]
		p.spares = p.spares[1:]
		p.mu.Unlock()
		if !child.ended() {
			return child
		}
		err := child.end()
		p.cfg.Logger.Warn("spare ffmpeg died", "error", err, "stderr", child.tail.String())
	}
}

// endAll kills every process; those in use are ended by their users.
func (p *Pool) endAll() {
	p.mu.Lock()
	spares := p.spares
	p.spares = nil
	for child := range p.alive {
		child.kill()
	}
	p.mu.Unlock()
	for _, child := range spares {
		_ = child.end() // it was killed
	}
}

// time is now, which tests set.
func (p *Pool) time() time.Time { return p.now() }

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
