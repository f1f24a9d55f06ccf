package transcode

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/nonblock"
	"github.com/sluice-media/sluice/transcode/nut"
)

const (
	// maxPictureBytes is the limit of one that comes back: far above what the
	// highest bitrate makes of a picture.
	maxPictureBytes = 8 << 20

	// Bounds of what is remembered since an IDR. Decoding that much takes a
	// second.
	cachePictures = 600
	cacheBytes    = 16 << 20

	// steadyTime is how long a process is kept although the stream's bitrate
	// has become another one.
	steadyTime = 10 * time.Second

	// continuity is how old the last picture may be that was shown, if those
	// after it are to be shown too and not only the newest.
	continuity = time.Second

	// drainTime is what a process gets to return what it still has.
	drainTime = 300 * time.Millisecond
)

// errTooLarge means that pictures are above maxPicture.
var errTooLarge = errors.New("pictures are too large to be encoded anew")

// videoEncoder encodes the pictures of one stream anew for as long as it has
// viewers. write feeds it from the publisher's goroutine; its supervisor's
// goroutine reads.
type videoEncoder struct {
	*supervisor

	// static
	next  media.Writer
	cause media.Cause

	// owned by run
	sets *media.ParameterSets // in force in what is written on

	// guarded by mu
	rate    *rate
	cache   *cache
	feed    *videoFeed // nil while there is no process
	spec    videoSpec  // of the last process
	began   time.Time  // the last process
	closing bool       // no process follows

	out struct {
		sync.Mutex
		begun  bool
		last   time.Duration // PTS of the last picture written on
		source bool          // viewers see the publisher's pictures until one was encoded
	}
}

// write gives an access unit to the process, if there is one, and remembers it
// for the next. It returns the error that ended the encoder.
func (e *videoEncoder) write(au *media.AccessUnit, keyframe bool) error {
	select {
	case <-e.done:
		return e.err
	default:
	}
	now := e.pool.now()
	e.mu.Lock()
	e.cache.add(au)
	e.rate.add(au)
	f, idle := e.feed, e.idle
	if f != nil && au.IDR && e.outgrown(au, now) {
		f.finish()
		e.feed, f = nil, nil
	}
	e.mu.Unlock()
	switch {
	case f == nil && e.showsSource():
		return e.pass(treated(au, &media.Treatment{Cause: e.cause, Action: media.Passed}))
	case f == nil && (idle == DropLimit || idle == DropFailed):
		return e.thin(au, idle)
	case f == nil: // one is starting, and gets the cache
		return nil
	}
	if err := f.push(au, now); err != nil {
		f.kill(err)
	} else if keyframe {
		f.request()
	}
	return nil
}

// outgrown says whether the process does not suit the stream any more; mu is
// held.
func (e *videoEncoder) outgrown(au *media.AccessUnit, now time.Time) bool {
	spec := specOf(au.ParameterSets, e.rate)
	if spec.width != e.spec.width || spec.height != e.spec.height {
		return true
	}
	return now.Sub(e.began) > steadyTime && !e.spec.suits(spec)
}

// serve takes a process and reads its pictures until it ends. It returns why.
func (e *videoEncoder) serve(ctx context.Context) error {
	spec, ok := e.prepare()
	if !ok {
		<-ctx.Done() // only stop follows
		return ctx.Err()
	}
	if spec.width*spec.height > maxPicture {
		return fmt.Errorf("%w: %d × %d", errTooLarge, spec.width, spec.height)
	}
	p, err := e.pool.order(ctx, kindVideo, spec.arguments(e.pool.cfg.VideoEncoder))
	if err != nil {
		return err
	}
	f := e.setFeed(p)
	go f.run()
	err = p.use(ctx, func() error { return e.read(f) }, func() error { return e.unsetFeed(f) })
	<-f.done
	e.metrics.Queue.Set(0)
	return err
}

// prepare returns what the next process is started for; false: there is to be
// none.
func (e *videoEncoder) prepare() (videoSpec, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spec, e.began = specOf(e.cache.last.ParameterSets, e.rate), e.pool.now()
	return e.spec, !e.closing
}

// setFeed lets write use a process, which gets what has come since the IDR.
func (e *videoEncoder) setFeed(p *process) *videoFeed {
	e.out.Lock()
	begun, last := e.out.begun, e.out.last
	e.out.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	since := e.cache.frames
	if len(since) == 0 {
		since = []*media.AccessUnit{e.cache.last}
	}
	e.feed = newVideoFeed(p, since, e.pool.behind, e.metrics.Dropped)
	e.feed.catching = !begun || since[len(since)-1].DTS-last > continuity
	if begun {
		e.feed.shown = last
	}
	return e.feed
}

// unsetFeed ends the feed of a process that has ended, and returns why.
func (e *videoEncoder) unsetFeed(f *videoFeed) (cause error) {
	e.mu.Lock()
	replaced := e.feed != f
	e.feed = nil
	e.mu.Unlock()
	if cause = f.end(); cause == nil && replaced {
		return errReplaced
	}
	return cause
}

// read writes on what the process returns until it ends.
func (e *videoEncoder) read(f *videoFeed) error {
	r := nut.NewReader(nonblock.Reader(f.process.stdout), maxPictureBytes)
	for first := true; ; first = false {
		p, err := next(r, "H264")
		if err != nil {
			return err
		}
		if first {
			e.metrics.Failed.Set(0)
			e.logger.Info("video is encoded anew", "cause", e.cause, "bitrate", e.spec.bitrate, "pid", f.process.cmd.Process.Pid)
		}
		if err := e.emit(f, p); err != nil {
			e.err = err
			return err
		}
	}
}

// emit writes one picture on.
func (e *videoEncoder) emit(f *videoFeed, p nut.Packet) error {
	source, arrival, queue := f.returned(uint32((p.PTS + time.Millisecond/2) / time.Millisecond))
	e.metrics.Queue.Set(float64(queue))
	nalus := splitAnnexB(p.Data)
	if source == nil || len(nalus) == 0 {
		return nil
	}
	e.metrics.Delay.Observe(e.pool.now().Sub(arrival).Seconds())
	au := &media.AccessUnit{
		Codec: media.H264, PTS: source.PTS, DTS: source.PTS, NALUs: nalus, Arrival: arrival,
		IDR:       slices.ContainsFunc(nalus, func(n []byte) bool { return naluType(n) == naluIDR }),
		Treatment: f.treatment(e.cause),
	}
	if au.IDR {
		e.noteSets(nalus, source.ParameterSets)
	}
	au.ParameterSets = e.sets
	e.out.Lock()
	e.out.source = false
	e.out.Unlock()
	return e.pass(au)
}

func (e *videoEncoder) showsSource() bool {
	e.out.Lock()
	defer e.out.Unlock()
	return e.out.source
}

// noteSets takes the parameter sets of an IDR into force.
func (e *videoEncoder) noteSets(nalus [][]byte, source *media.ParameterSets) {
	sets := &media.ParameterSets{BitDepth: 8, Width: source.Width, Height: source.Height, FrameRate: source.FrameRate}
	for _, n := range nalus {
		switch naluType(n) {
		case naluSPS:
			sets.SPS = append(sets.SPS, n)
		case naluPPS:
			sets.PPS = append(sets.PPS, n)
		}
	}
	if len(sets.SPS) == 0 || len(sets.SPS[0]) < 4 {
		return
	}
	sets.ProfileLevelID = [3]byte(sets.SPS[0][1:4])
	e.sets = sets
}

// pass writes a picture on, unless a later one has been.
func (e *videoEncoder) pass(au *media.AccessUnit) error {
	e.out.Lock()
	defer e.out.Unlock()
	if e.out.begun && au.PTS <= e.out.last {
		return nil
	}
	e.out.begun, e.out.last = true, au.PTS
	return e.next.WriteVideo(au)
}

// thin passes of a stream that cannot be encoded what browsers show of it.
func (e *videoEncoder) thin(au *media.AccessUnit, reason string) error {
	e.metrics.Dropped(reason)
	if !au.IDR {
		return nil
	}
	why := "ffmpeg fails again and again"
	if reason == DropLimit {
		why = "all video encoders of this server are taken"
	}
	return e.pass(thinned(au, e.cause, why))
}

// drain stops the encoder when it has returned what it still has, within
// drainTime.
func (e *videoEncoder) drain() error {
	e.mu.Lock()
	e.closing = true
	f := e.feed
	e.feed = nil
	e.mu.Unlock()
	if f != nil {
		f.finish()
		t := time.NewTimer(drainTime)
		defer t.Stop()
		select {
		case <-f.process.done:
		case <-t.C:
		case <-e.done:
		}
	}
	e.stop()
	return e.err
}
