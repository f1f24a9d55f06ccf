package egress

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/metrics"
)

const (
	// connectTimeout is how long a viewer may take for ICE and DTLS.
	connectTimeout = 30 * time.Second
	// startHold is how long a viewer's media is held after DTLS: Firefox
	// loses what arrives in the first milliseconds.
	startHold = 20 * time.Millisecond
	// queueFrames is the capacity of a viewer's queue, and queueVideo that
	// part which video may fill, so that audio goes on when video can't:
	// about a second of 60 fps, and a second of audio on top.
	queueFrames = 128
	queueVideo  = 64
)

// Source is what a viewer gets its frames from.
type Source interface {
	// Subscribe makes s receive every frame from now on.
	Subscribe(s Subscriber)
	// Unsubscribe returns when s receives nothing more.
	Unsubscribe(s Subscriber)
}

// Viewer is one WebRTC receiver of a stream.
type Viewer struct {
	// static
	ctx     context.Context
	end     context.CancelCauseFunc
	id      string // for the log; not the session's secret
	peer    *peer
	source  Source
	clock   *clock
	ufrag   string
	joined  time.Time // Play was called
	queue   chan *Frame
	metrics *viewerMetrics
	log     *slog.Logger

	connected     chan struct{} // closed when DTLS is done
	connectedOnce sync.Once
	done          chan struct{} // closed when all is freed

	// owned by whoever delivers; calls of Deliver do not overlap
	waitIDR bool
	started bool // an IDR was queued

	// owned by the sending goroutine
	keyframeSent bool

	candidates atomic.Int32 // added by trickling
}

// viewerMetrics are the counters that the viewers of a stream share.
type viewerMetrics struct {
	*metrics.Egress
	dropped                     map[DropReason]prometheus.Counter
	joinConnected, joinKeyframe prometheus.Observer
}

func newViewer(ctx context.Context, source Source, clock *clock, m *viewerMetrics, log *slog.Logger) *Viewer {
	v := &Viewer{
		id: rand.Text()[:8], source: source, clock: clock, joined: time.Now(), metrics: m,
		queue: make(chan *Frame, queueFrames), waitIDR: true,
		connected: make(chan struct{}), done: make(chan struct{}),
	}
	v.ctx, v.end = context.WithCancelCause(ctx)
	v.log = log.With("viewer", v.id)
	return v
}

// onState follows the PeerConnection.
func (v *Viewer) onState(s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		v.connectedOnce.Do(func() { close(v.connected) })
	case webrtc.PeerConnectionStateFailed:
		v.end(v.unless(ErrConsentLost))
	case webrtc.PeerConnectionStateClosed:
		v.end(v.unless(ErrViewerLeft))
	case webrtc.PeerConnectionStateUnknown, webrtc.PeerConnectionStateNew,
		webrtc.PeerConnectionStateConnecting, webrtc.PeerConnectionStateDisconnected:
	}
}

// unless returns cause, or ErrNeverConnected if DTLS was never done.
func (v *Viewer) unless(cause error) error {
	select {
	case <-v.connected:
		return cause
	default:
		return ErrNeverConnected
	}
}

// Answer returns the SDP answer.
func (v *Viewer) Answer() string { return v.peer.answer }

// Ufrag returns the ice-ufrag of the viewer's offer.
func (v *Viewer) Ufrag() string { return v.ufrag }

// Context is done when the viewer has ended; context.Cause tells why.
func (v *Viewer) Context() context.Context { return v.ctx }

// AddCandidate takes a trickled candidate, the value of an a=candidate line.
// Kinds that cannot be used, and more than a bounded number, are ignored.
func (v *Viewer) AddCandidate(candidate string) error {
	if !usableCandidate(candidate) || v.candidates.Add(1) > maxOfferedCandidates {
		return nil
	}
	return v.peer.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate})
}

// Close ends the viewer, tells it so by a DTLS close_notify and waits until
// everything is freed.
func (v *Viewer) Close() error {
	v.end(ErrViewerClosed)
	<-v.done
	return nil
}

// Deliver implements Subscriber: it queues a frame, or drops it whole.
func (v *Viewer) Deliver(f *Frame) {
	if f.Kind == Video && !v.admitVideo(f) {
		return
	}
	select {
	case v.queue <- f:
	default:
		v.waitIDR = v.waitIDR || f.Kind == Video
		v.drop(DropQueueFull)
	}
}

// admitVideo decides whether a video frame can be queued: after a dropped one
// only an IDR can be decoded.
func (v *Viewer) admitVideo(f *Frame) bool {
	switch {
	case v.waitIDR && !f.IDR:
		if v.started {
			v.drop(DropWaitIDR)
		}
		return false
	case len(v.queue) >= queueVideo:
		v.waitIDR = true
		v.drop(DropQueueFull)
		return false
	}
	v.waitIDR, v.started = false, true
	return true
}

func (v *Viewer) drop(r DropReason) { v.metrics.dropped[r].Inc() }

// run is the viewer's goroutine: it waits for the connection, then sends until
// the context ends.
func (v *Viewer) run() {
	defer close(v.done)
	var readers sync.WaitGroup
	for _, s := range v.peer.senders {
		readers.Go(func() { v.readRTCP(s) })
	}
	if v.connect() {
		v.source.Subscribe(v)
		v.send()
		v.source.Unsubscribe(v)
	}
	_ = v.peer.Close()
	readers.Wait()
	v.log.Info("viewer ended", "cause", context.Cause(v.ctx), "after", time.Since(v.joined).Round(time.Millisecond))
}

// connect waits until media can flow.
func (v *Viewer) connect() bool {
	timeout := time.NewTimer(connectTimeout)
	defer timeout.Stop()
	waits := []<-chan struct{}{v.connected}
	for _, t := range v.tracks() {
		waits = append(waits, t.bound)
	}
	for _, w := range waits {
		select {
		case <-w:
		case <-timeout.C:
			v.end(ErrNeverConnected)
			return false
		case <-v.ctx.Done():
			return false
		}
	}
	metrics.Since(v.metrics.joinConnected, v.joined)
	v.log.Info("viewer connected", "after", time.Since(v.joined).Round(time.Millisecond))
	timeout.Reset(startHold)
	select {
	case <-timeout.C:
		return true
	case <-v.ctx.Done():
		return false
	}
}

// send writes queued frames and sender reports until the context ends.
func (v *Viewer) send() {
	reports := time.NewTimer(reportPause(0))
	defer reports.Stop()
	sent := 0
	for {
		select {
		case <-v.ctx.Done():
			return
		case f := <-v.queue:
			v.write(f)
		case <-reports.C:
			v.report()
			sent++
			reports.Reset(reportPause(sent))
		}
	}
}

// write sends a frame, if the viewer takes its kind. The first packet of a
// track is followed by a sender report at once.
func (v *Viewer) write(f *Frame) {
	t, packets, bytes, latency := v.peer.video, v.metrics.VideoPackets, v.metrics.VideoBytes, v.metrics.VideoLatency
	if f.Kind == Audio {
		t, packets, bytes, latency = v.peer.audio, v.metrics.AudioPackets, v.metrics.AudioBytes, v.metrics.AudioLatency
	}
	if t == nil {
		return
	}
	first := t.packets == 0
	n, err := t.send(f)
	if err != nil {
		v.drop(DropSendError)
	}
	packets.Add(float64(len(f.Payloads)))
	bytes.Add(float64(n))
	metrics.Since(latency, f.Arrival)
	if first {
		v.report()
	}
	if f.IDR && !v.keyframeSent {
		v.keyframeSent = true
		metrics.Since(v.metrics.joinKeyframe, v.joined)
	}
}

// report sends a sender report for each track that has sent, all for the same
// instant.
func (v *Viewer) report() {
	now := time.Now()
	m := v.clock.at(now)
	for _, t := range v.tracks() {
		if t.packets > 0 {
			v.writeRTCP(t.report(now, m))
		}
	}
}

// writeRTCP sends one compound packet. An error means that the connection is
// closing, which the context will tell.
func (v *Viewer) writeRTCP(packets []rtcp.Packet) {
	_, _ = v.peer.senders[0].Transport().WriteRTCP(packets)
}

// tracks returns the accepted tracks.
func (v *Viewer) tracks() []*track {
	var list []*track
	for _, t := range []*track{v.peer.video, v.peer.audio} {
		if t != nil {
			list = append(list, t)
		}
	}
	return list
}
