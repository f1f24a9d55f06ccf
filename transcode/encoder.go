package transcode

import (
	"context"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/nonblock"
	"github.com/sluice-media/sluice/transcode/nut"
)

// maxOpusPacket is the limit of a packet of one frame of 20 ms (RFC 6716 §3.4,
// R2: 1275 bytes, and the TOC byte).
const maxOpusPacket = 1276

// encoder turns the sound of one stream into Opus for as long as it has
// listeners. write feeds it from the publisher's goroutine; its supervisor's
// goroutine reads.
type encoder struct {
	*supervisor

	// static
	next   media.Writer
	config *media.AudioConfig // of the Opus frames

	out *counter // owned by run

	feed *feed // guarded by mu; nil while there is no process
}

// serve takes a process and reads its packets until it ends. It returns why.
func (e *encoder) serve(ctx context.Context) error {
	p, err := e.pool.take(ctx)
	if err != nil {
		return err
	}
	f := &feed{process: p, stall: stall{limit: stallTimeout, ready: time.Since(p.start) > startTimeout}}
	_ = e.setFeed(f) // there was none
	err = p.use(ctx, func() error { return e.read(f) }, func() error { return e.setFeed(nil) })
	e.metrics.Queue.Set(0)
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

// read writes on what the process returns until it ends.
func (e *encoder) read(f *feed) error {
	r := nut.NewReader(nonblock.Reader(f.process.stdout), maxOpusPacket)
	for {
		p, err := next(r, "Opus")
		if err != nil {
			return err
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
