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

	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

const (
	// connectTimeout is how long a viewer may take for ICE and DTLS.
	connectTimeout = 30 * time.Second
	// startHold is how long a viewer's video is held after DTLS: Firefox
	// loses what arrives in the first milliseconds.
	startHold = 20 * time.Millisecond
	// feedbackQueue is how many of a viewer's reports may wait; more are lost,
	// as they may be on their way.
	feedbackQueue = 32
)

// Source is what a viewer gets its frames from.
type Source interface {
	// Subscribe makes s receive every frame from now on.
	Subscribe(s Subscriber)
	// Unsubscribe returns when s receives nothing more.
	Unsubscribe(s Subscriber)
	// Replay returns the video frames since the last IDR.
	Replay() Replay
	// NeedKeyframe says that the viewer waits for an IDR, or lost pictures.
	NeedKeyframe()
}

// Viewer is one WebRTC receiver of a stream.
type Viewer struct {
	// static
	ctx     context.Context
	end     context.CancelCauseFunc
	id      string // for the log; not the session's secret
	peer    *peer
	source  Source
	status  func() (Status, <-chan struct{})
	clock   *clock
	backlog *backlog
	ufrag   string
	joined  time.Time // Play was called
	waits   bool      // for IDRs; never replay
	metrics *viewerMetrics
	log     *slog.Logger

	sender  *sender
	turn    turn
	reports chan heard // from whoever reads RTCP

	path       path       // to the viewer
	restarting sync.Mutex // held by RestartICE

	// guarded by mu, which the worker that has the viewer holds
	mu  sync.Mutex
	out *output // nil: not connected, or not any more

	connected     chan struct{} // closed when DTLS is done
	connectedOnce sync.Once
	done          chan struct{} // closed when all is freed

	candidates atomic.Int32 // added by trickling

	vitals vitals
}

func newViewer(st *stream, g *guest, sender *sender, waits bool) *Viewer {
	v := &Viewer{
		id: rand.Text()[:8], source: st.Hub, status: st.status, clock: st.clock,
		joined: time.Now(), waits: waits, metrics: st.viewers, sender: sender,
		reports:   make(chan heard, feedbackQueue),
		connected: make(chan struct{}), done: make(chan struct{}),
	}
	v.backlog = newBacklog(st.viewers.drop, v.ask)
	v.ctx, v.end = context.WithCancelCause(g.ctx)
	v.log = st.log.With("viewer", v.id)
	return v
}

// onState follows the PeerConnection.
func (v *Viewer) onState(s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		v.connectedOnce.Do(func() { close(v.connected) })
		v.path.open()
		v.ask()
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

// Status returns what is to be told of the stream now, and a channel that is
// closed when that changes.
func (v *Viewer) Status() (Status, <-chan struct{}) { return v.status() }

// Context is done when the viewer has ended; context.Cause tells why.
func (v *Viewer) Context() context.Context { return v.ctx }

// AddCandidate takes a trickled candidate, the value of an a=candidate line.
// Kinds that cannot be used, and more than a bounded number, are ignored.
func (v *Viewer) AddCandidate(candidate string) error {
	if !rtc.UsableCandidate(candidate) || v.candidates.Add(1) > rtc.MaxCandidates {
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

// run is the viewer's goroutine: it waits for the connection, then for the end
// of the context. Whoever started it closes done.
func (v *Viewer) run() {
	var readers sync.WaitGroup
	if v.connect() {
		if err := v.peer.open(v.hear); err != nil {
			v.log.Debug("media goes through pion", "reason", err)
			for _, s := range v.peer.senders {
				readers.Go(func() { v.readRTCP(s) })
			}
		}
		v.begin(time.Now())
		<-v.ctx.Done()
		v.finish()
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
	return true
}

// writeRTCP sends one compound packet. An error means that the connection is
// closing, which the context will tell.
func (v *Viewer) writeRTCP(packets []rtcp.Packet) {
	v.vitals.said(packets)
	if m := v.peer.media; m != nil {
		if b, err := rtcp.Marshal(packets); err == nil {
			_, _ = m.WriteRTCP(b)
		}
		return
	}
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
