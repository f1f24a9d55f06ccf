package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/depacketize"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/metrics/meter"
)

// publication is one stream from one publisher, from the accepted publish
// command to the connection's end. It belongs to the connection's goroutine.
type publication struct {
	log     *slog.Logger
	demuxer *depacketize.Demuxer
	meter   *meter.Meter
	series  *metrics.Ingest
	started time.Time
	jumps   uint64
	corrupt sparse
	rate    meter.Bitrate
	words   media.Describer // nil: nobody wants a description
	told    media.Description
	color   []byte // of told
}

// newPublication takes the stream's series, so w must hold its name already.
func newPublication(w media.Writer, cfg Config, series *metrics.Ingest, log *slog.Logger) *publication {
	m := meter.New(w, cfg.MaxResolution, series)
	words, _ := w.(media.Describer)
	return &publication{
		words:   words,
		log:     log,
		demuxer: depacketize.NewDemuxer(m),
		meter:   m,
		series:  series,
		started: time.Now(),
		rate:    meter.NewBitrate(cfg.MaxBitrate),
	}
}

// message takes an audio, video or data message; its body is not kept. An error
// ends the stream.
func (p *publication) message(m chunk.Message, arrival time.Time) error {
	if err := p.rate.Take(len(m.Body), arrival); err != nil {
		return refuseExcess(err)
	}
	switch m.Type {
	case chunk.Video:
		return p.video(m.Timestamp, bytes.Clone(m.Body), arrival)
	case chunk.Audio:
		return p.audio(m.Timestamp, bytes.Clone(m.Body), arrival)
	case chunk.DataAMF0:
		if m := parseMetadata(m.Body); m != nil {
			p.told.Metadata = m
			p.describe()
		}
		return nil
	default:
		return nil
	}
}

func (p *publication) video(timestamp uint32, body []byte, arrival time.Time) error {
	p.series.VideoBytes.Add(float64(len(body)))
	return p.check(p.demuxer.Video(timestamp, body, arrival), p.series.VideoCorrupt, arrival)
}

func (p *publication) audio(timestamp uint32, body []byte, arrival time.Time) error {
	p.series.AudioBytes.Add(float64(len(body)))
	return p.check(p.demuxer.Audio(timestamp, body, arrival), p.series.AudioCorrupt, arrival)
}

// describe passes on what is known of the publication.
func (p *publication) describe() {
	if p.words != nil {
		p.words.Describe(p.told)
	}
}

// look passes on what the demuxer has learnt.
func (p *publication) look() {
	color, tracks := p.demuxer.Color(), p.demuxer.Tracks()
	if slices.Equal(tracks, p.told.Tracks) && bytes.Equal(color, p.color) {
		return
	}
	p.color, p.told.Tracks, p.told.Color = color, tracks, parseColor(color)
	p.describe()
}

// check counts what the demuxer found. The error it returns ends the stream.
func (p *publication) check(err error, corrupt prometheus.Counter, now time.Time) error {
	if n := p.demuxer.Jumps(); n != p.jumps {
		p.series.Jumps.Add(float64(n - p.jumps))
		p.jumps = n
	}
	p.look()
	var excess *meter.Excess
	switch {
	case err == nil, errors.Is(err, depacketize.ErrUnsupportedCodec):
		return err
	case errors.As(err, &excess):
		return refuseExcess(err)
	case errors.Is(err, depacketize.ErrCorrupt):
		corrupt.Inc()
		if n := p.corrupt.hit(now); n > 0 {
			p.log.Warn("corrupt tags skipped", "count", n, "last", err)
		}
		return nil
	default:
		return fmt.Errorf("%w: %w", errWriter, err)
	}
}

// close ends the publication and frees the stream's name.
func (p *publication) close(cause error) {
	if n := p.corrupt.flush(); n > 0 {
		p.log.Warn("corrupt tags skipped", "count", n)
	}
	err := p.meter.Close()
	p.log.Info("publication ended", "after", time.Since(p.started).Round(time.Millisecond), "cause", cause)
	if err != nil {
		p.log.Warn("closing the stream", "error", err)
	}
}
