package egress

import (
	"time"
)

const (
	// paceStart is the least rate in bit/s that a replay starts with; three
	// times the stream's where that is more.
	paceStart = 8_000_000
	// paceMost is the largest rate in bit/s.
	paceMost = 100_000_000
	// paceCredit is how far sending may run ahead of the pace, so that the
	// timer need not be exact.
	paceCredit = 5 * time.Millisecond

	// A hardware decoder that is more than about 8 frames behind throws them
	// away; these bounds keep the frame rate of a replay to what common ones
	// decode.
	pacePixels     = 500_000_000 // a second
	paceFramesMost = 8           // times the stream's frame rate
	paceFramesMin  = 2

	// The judgement of a feedback report.
	paceReportSpan  = 25 * time.Millisecond // shorter ones say nothing
	paceLoss        = 0.02
	paceQueueCut    = 60 * time.Millisecond
	paceQueueHold   = 20 * time.Millisecond
	paceBackOff     = 0.8
	paceSteadyRaise = 1.1
	defaultRate     = 2_500_000 // bit/s, of a stream not yet measured
	defaultFPS      = 30
)

// pacer spaces the frames of a replay: by a frame rate that decoders can take,
// and by a bit rate that starts low, doubles with each good report and falls
// back at the first sign of a queue.
type pacer struct {
	interval  time.Duration // between two frames, at least
	rate      float64       // bit/s
	streaming float64       // bit/s of the live stream
	slowStart bool
	congested bool // a report has said so
	ready     time.Time
}

// newPacer returns the pace of a replay; slow divides it, for a second try.
func newPacer(r Replay, slow float64, now time.Time) *pacer {
	fps, rate := r.FrameRate, float64(r.Bitrate)
	if fps == 0 {
		fps = defaultFPS
	}
	if rate == 0 {
		rate = defaultRate
	}
	most := paceFramesMost * fps
	if r.Pixels > 0 {
		most = min(max(pacePixels/float64(r.Pixels), paceFramesMin*fps), most)
	}
	return &pacer{
		interval:  time.Duration(float64(time.Second) * slow / most),
		rate:      min(max(3*rate, paceStart)/slow, paceMost),
		streaming: rate,
		slowStart: true,
		ready:     now,
	}
}

// delay returns how long to wait before the next frame; 0: send it.
func (p *pacer) delay(now time.Time) time.Duration {
	if d := p.ready.Sub(now); d > paceCredit {
		return d
	}
	return 0
}

// sent notes that a frame of so many bytes was sent. The IDR goes at once, as
// it does live; it counts for the frames that follow.
func (p *pacer) sent(bytes int, now time.Time) {
	if p.ready.Before(now) {
		p.ready = now
	}
	p.ready = p.ready.Add(max(p.interval, time.Duration(float64(bytes)*8/p.rate*float64(time.Second))))
}

// report judges what a viewer said of the packets it got: their span and loss,
// the queueing delay of the last, and the rate in bit/s that arrived.
func (p *pacer) report(span, queueing time.Duration, loss, delivered float64) {
	switch {
	case loss > paceLoss || queueing > paceQueueCut:
		p.cut(delivered)
	case span < paceReportSpan || queueing > paceQueueHold:
	case p.slowStart:
		p.rate = min(2*p.rate, paceMost)
	default:
		p.rate = min(paceSteadyRaise*p.rate, paceMost)
	}
}

// cut falls back below the rate that arrived, or below the present one.
func (p *pacer) cut(delivered float64) {
	rate := p.rate
	if delivered > 0 {
		rate = min(rate, delivered)
	}
	p.rate = max(paceBackOff*rate, p.streaming)
	p.slowStart, p.congested = false, true
}

// hopeless reports whether the link is so slow that what is still to be
// replayed would take longer than waiting for the next IDR.
func (p *pacer) hopeless(pending int, untilIDR time.Duration) bool {
	if !p.congested {
		return false
	}
	spare := p.rate - p.streaming
	return spare <= 0 || float64(pending)*8/spare > untilIDR.Seconds()
}
