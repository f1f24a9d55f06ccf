// Package meter counts what a publication brings, and bounds it. It starts no
// goroutine.
package meter

import (
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
)

// rateWindow is the media time over which the frame rate is taken: long enough
// to even out a muxer's jitter, short enough to see a change.
const rateWindow = 2 * time.Second

// Meter is a media.Writer that counts what passes.
type Meter struct {
	// static
	next   media.Writer
	most   Resolution
	series *metrics.Ingest

	// owned by the goroutine of WriteVideo
	sets     *media.ParameterSets
	seen     bool // a keyframe was
	keyframe time.Duration
	start    time.Duration // of the window
	frames   int           // in it
}

// New returns a Meter in front of next, on the series of a publication. Pictures
// of more than most end it with an *Excess.
func New(next media.Writer, most Resolution, series *metrics.Ingest) *Meter {
	return &Meter{next: next, most: most, series: series}
}

// WriteVideo implements media.Writer.
func (m *Meter) WriteVideo(au *media.AccessUnit) error {
	m.series.VideoFrames.Inc()
	if au.ParameterSets != m.sets {
		if m.sets = au.ParameterSets; m.sets != nil {
			if err := m.most.check(m.sets.Width, m.sets.Height); err != nil {
				return err
			}
		}
	}
	if au.IDR {
		m.countKeyframe(au.DTS)
	}
	m.countFrame(au.DTS)
	return m.next.WriteVideo(au)
}

// WriteAudio implements media.Writer.
func (m *Meter) WriteAudio(f *media.AudioFrame) error {
	m.series.AudioFrames.Inc()
	return m.next.WriteAudio(f)
}

// Close implements media.Writer. The series go first: closing the Writer frees
// the stream's name, and its next publication makes them anew.
func (m *Meter) Close() error {
	m.series.Close()
	return m.next.Close()
}

func (m *Meter) countKeyframe(dts time.Duration) {
	m.series.Keyframes.Inc()
	if m.seen {
		m.series.KeyframeInterval.Set((dts - m.keyframe).Seconds())
	}
	m.seen, m.keyframe = true, dts
}

func (m *Meter) countFrame(dts time.Duration) {
	if m.frames == 0 {
		m.start = dts
	}
	if d := dts - m.start; d >= rateWindow {
		m.series.FrameRate.Set(float64(m.frames) / d.Seconds())
		m.start, m.frames = dts, 0
	}
	m.frames++
}
