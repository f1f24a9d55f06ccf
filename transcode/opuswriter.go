package transcode

import (
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
)

// OpusWriter is a media.Writer that turns AAC and MP3 into Opus, 48 kHz, stereo,
// 20 ms a packet, and passes everything else to the next Writer.
//
// Opus frames are written by a goroutine of its own; an error of the next
// Writer is returned by a later WriteAudio.
type OpusWriter struct {
	media.Writer // the next one; video passes by promotion

	// static
	pool    *Pool
	stream  string
	metrics *metrics.Transcode
	config  *media.AudioConfig // of the Opus frames

	// owned by the goroutine that calls WriteAudio
	demand  demand
	clock   clock
	codec   media.Codec // of the last frame
	encoder *encoder    // nil while there is none

	out counter // owned by the encoder; without one, by WriteAudio
}

// NewOpusWriter returns an OpusWriter in front of next. It asks wanted at each
// frame that is not Opus and has no process until that says yes, nor some seconds after it
// has stopped doing so (Config.StopAfter); meanwhile the frames are passed on.
// Close closes next too.
func (p *Pool) NewOpusWriter(stream string, next media.Writer, wanted func() bool) *OpusWriter {
	return &OpusWriter{
		Writer: next, pool: p, stream: stream,
		demand:  demand{ask: wanted, now: p.time, stopAfter: p.cfg.StopAfter},
		metrics: p.cfg.Metrics.Transcode(stream, kindAudio),
		config:  &media.AudioConfig{SampleRate: 48000, Channels: 2, FrameSamples: 960},
	}
}

// WriteAudio implements media.Writer.
func (w *OpusWriter) WriteAudio(f *media.AudioFrame) error {
	if w.codec != f.Codec && w.codec != 0 { // a process takes but one
		if err := w.stop(); err != nil {
			return err
		}
	}
	w.codec = f.Codec
	if f.Codec == media.Opus {
		at := w.clock.next(f)
		w.out.passed(at.end)
		opus := *f // on the clock that counts samples, as RTP's does
		opus.PTS, opus.Skew = at.start, at.skew
		return w.Writer.WriteAudio(&opus)
	}
	if !usable(f) {
		w.metrics.Dropped(DropInvalid)
		return nil
	}
	at := w.clock.next(f)
	if !w.demand.wanted() {
		if err := w.stop(); err != nil {
			return err
		}
		unheard := *f // but the next one learns what there is
		unheard.PTS, unheard.Skew = at.start, at.skew
		return w.Writer.WriteAudio(&unheard)
	}
	if w.encoder == nil {
		w.start()
	}
	return w.encoder.write(f, at)
}

// Close ends the encoder, waits for it, and closes the next Writer.
func (w *OpusWriter) Close() error {
	_ = w.stop() // the next Writer knows its error
	w.metrics.Close()
	return w.Writer.Close()
}

func (w *OpusWriter) start() {
	ctx, supervisor := w.pool.newSupervisor(w.stream, "sound", w.metrics)
	e := &encoder{supervisor: supervisor, next: w.Writer, config: w.config, out: &w.out}
	w.encoder = e
	go e.run(ctx, e.serve)
}

// stop ends the encoder and waits until its last packet is written, some
// milliseconds. It returns the error that it had met.
func (w *OpusWriter) stop() error {
	if w.encoder == nil {
		return nil
	}
	e := w.encoder
	w.encoder = nil
	e.stop()
	return e.err
}
