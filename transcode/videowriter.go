package transcode

import (
	"cmp"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
)

// VideoWriter is a media.Writer that re-encodes H.264 which browsers do not
// show, because it has B-frames or more than 8 bits and 4:2:0 colour, or cannot
// begin to, because its IDRs are too far apart, and passes everything else to
// the next Writer.
//
// Re-encoded pictures are written by a goroutine of its own; an error of the
// next Writer is returned by a later WriteVideo.
type VideoWriter struct {
	media.Writer // the next one; audio passes by promotion

	// static
	pool     *Pool
	stream   string
	policy   Policy
	keyframe func() bool
	metrics  *metrics.Transcode

	// owned by the goroutine that calls WriteVideo
	demand  demand
	trouble trouble
	rate    rate
	cache   cache
	encoder *videoEncoder // nil while there is none
	always  bool          // it runs without viewers
	begun   bool          // the next encoder goes on behind shown
	shown   time.Duration // PTS of the last picture passed on or drained
}

// NewVideoWriter returns a VideoWriter in front of next; an empty policy is
// Config.BFrames. It has no process until a stream needs one and wanted says
// yes, nor some seconds after it has stopped doing so (Config.StopAfter). It
// asks keyframe at each access unit whether the pictures should go on with an
// IDR. Close closes next too.
func (p *Pool) NewVideoWriter(stream string, policy Policy, next media.Writer, wanted, keyframe func() bool) *VideoWriter {
	return &VideoWriter{
		Writer: next, pool: p, stream: stream, policy: cmp.Or(policy, p.cfg.BFrames), keyframe: keyframe,
		metrics: p.cfg.Metrics.Transcode(stream, kindVideo),
		demand:  demand{ask: wanted, now: p.time, stopAfter: p.cfg.StopAfter},
	}
}

// WriteVideo implements media.Writer.
func (w *VideoWriter) WriteVideo(au *media.AccessUnit) error {
	cause := media.Cause("")
	if au.Codec == media.H264 {
		cause = w.trouble.find(au, w.cache.crowded())
	}
	switch {
	case cause == "":
		return w.passOn(au)
	case cause == media.LongGOP && !w.canBegin(): // who has begun sees it all
		return w.passOn(treated(au, &media.Treatment{Cause: cause, Action: media.Passed}))
	}
	switch w.policy {
	case Refuse:
		return &UnplayableError{cause}
	case Pass:
		return w.Writer.WriteVideo(treated(au, &media.Treatment{Cause: cause, Action: media.Passed}))
	default:
		return w.reencode(au, cause)
	}
}

// Encodes reports whether the next Writer's pictures, and so its keyframes, are
// made here now. It is called by the goroutine that calls WriteVideo.
func (w *VideoWriter) Encodes() bool { return w.encoder != nil }

// canBegin says whether an encoder could begin now, at what came since the IDR.
func (w *VideoWriter) canBegin() bool {
	return w.policy == Reencode && w.pool.video == nil && (w.encoder != nil || len(w.cache.frames) > 0)
}

// Close ends the encoder, waits for it, and closes the next Writer.
func (w *VideoWriter) Close() error {
	_ = w.stop() // the next Writer knows its error
	w.metrics.Close()
	return w.Writer.Close()
}

// passOn passes an access unit that browsers show. It is remembered where the
// stream may yet turn out to have B-frames.
func (w *VideoWriter) passOn(au *media.AccessUnit) error {
	if err := w.drain(); err != nil {
		return err
	}
	w.always = false
	if au.Codec == media.H264 && w.trouble.mayBegin(au.ParameterSets) {
		w.cache.add(au)
		w.rate.add(au)
	} else {
		w.cache = cache{}
	}
	if au.DTS <= w.shown && w.shown < au.PTS && !w.begun { // of an encoder, whose pictures have one time
		c := *au
		c.DTS = w.shown + 1
		au = &c
	}
	w.begun, w.shown = true, max(w.shown, au.PTS)
	return w.Writer.WriteVideo(au)
}

// reencode encodes an access unit anew if somebody watches. A stream with more
// between two IDRs than the cache holds is encoded in any case: a process
// could not be started when somebody comes.
func (w *VideoWriter) reencode(au *media.AccessUnit, cause media.Cause) error {
	if err := w.pool.video; err != nil {
		return w.thin(au, cause, err)
	}
	if w.encoder != nil && w.encoder.cause != cause {
		if err := w.drain(); err != nil {
			return err
		}
		w.begun = true // the next one goes on behind it
	}
	wanted := w.demand.wanted()
	w.always = w.always || w.encoder == nil && w.cache.crowded()
	if !wanted && !w.always {
		if err := w.stop(); err != nil {
			return err
		}
		w.cache.add(au)
		w.rate.add(au)
		return w.Writer.WriteVideo(treated(au, &media.Treatment{Cause: cause, Action: media.Reencoded, Withheld: true}))
	}
	if w.encoder == nil {
		return w.start(au, cause)
	}
	return w.encoder.write(au, w.keyframe())
}

// thin passes what browsers show of a stream that cannot be encoded anew.
func (w *VideoWriter) thin(au *media.AccessUnit, cause media.Cause, reason error) error {
	w.metrics.Dropped(DropFailed)
	if !au.IDR {
		return nil
	}
	return w.Writer.WriteVideo(thinned(au, cause, reason.Error()))
}

func (w *VideoWriter) start(au *media.AccessUnit, cause media.Cause) error {
	ctx, supervisor := w.pool.newSupervisor(w.stream, "picture", w.metrics)
	e := &videoEncoder{supervisor: supervisor, next: w.Writer, cause: cause, rate: &w.rate, cache: &w.cache}
	if w.begun {
		e.out.begun, e.out.last, e.out.source = true, w.shown, cause == media.LongGOP
	}
	w.encoder, w.begun = e, false
	err := e.write(au, false)
	go e.run(ctx, e.serve)
	return err
}

// drain ends the encoder, with what it has not returned.
func (w *VideoWriter) drain() error {
	if w.encoder == nil {
		return nil
	}
	e := w.encoder
	w.encoder = nil
	err := e.drain()
	w.shown = e.out.last
	return err
}

// stop ends the encoder, without what it has not returned. It returns the
// error that it had met.
func (w *VideoWriter) stop() error {
	if w.encoder == nil {
		return nil
	}
	e := w.encoder
	w.encoder = nil
	e.stop()
	return e.err
}

// treated returns a copy of an access unit with a treatment.
func treated(au *media.AccessUnit, t *media.Treatment) *media.AccessUnit {
	c := *au
	c.Treatment = t
	return &c
}

// thinned returns an IDR of a stream that cannot be encoded anew. That of a
// profile which browsers do not decode cannot be shown.
func thinned(au *media.AccessUnit, cause media.Cause, reason string) *media.AccessUnit {
	withheld := cause != media.BFrames && cause != media.LongGOP
	return treated(au, &media.Treatment{Cause: cause, Action: media.Thinned, Reason: reason, Withheld: withheld})
}
