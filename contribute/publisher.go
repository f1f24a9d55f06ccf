package contribute

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/metrics/meter"
	"github.com/sluice-media/sluice/rtc"
)

// connectTimeout is how long a publisher may take for ICE and DTLS. It holds a
// name meanwhile.
const connectTimeout = 15 * time.Second

// Publisher is one WebRTC sender.
type Publisher struct {
	// static
	admission *Admission
	ctx       context.Context
	end       context.CancelCauseFunc
	ufrag     string
	codec     media.Codec // of video
	repairs   bool        // it sends lost packets of video again
	clock     *clock
	began     time.Time
	log       *slog.Logger

	// set before run
	peer   *rtc.Peer
	answer string
	writer media.Writer
	needed func() bool // Writer.KeyframeNeeded
	series *metrics.Contribution
	rate   meter.Bitrate

	connected     chan struct{} // closed when DTLS is done
	connectedOnce sync.Once
	done          chan struct{} // closed when all is freed
	candidates    atomic.Int32  // added by trickling
	heard         atomic.Int64  // Unix nanoseconds of the last packet

	restarting sync.Mutex // held by RestartICE

	// guarded by mu
	mu      sync.Mutex
	over    bool // no reader may start
	readers sync.WaitGroup
	taken   map[webrtc.RTPCodecType]bool // kinds that have a track
}

func newPublisher(a *Admission, o *rtc.Offer) *Publisher {
	p := &Publisher{
		admission: a, ufrag: o.Ufrag, codec: o.Encoding.Codec, repairs: o.Video != nil && o.Video.Repairs(),
		clock: newClock(rtc.VideoClock, rtc.AudioClock), began: time.Now(),
		log:       a.server.config.Logger.With("stream", a.Stream, "remote", a.request.RemoteAddr),
		connected: make(chan struct{}), done: make(chan struct{}),
		taken: map[webrtc.RTPCodecType]bool{},
	}
	p.ctx, p.end = context.WithCancelCause(a.server.ctx)
	return p
}

// begin takes the Writer. The series go after it, because they bear the name.
func (p *Publisher) begin(w Writer) {
	c := &p.admission.server.config
	p.series = c.Metrics.Contribution(p.admission.Stream)
	p.needed = w.KeyframeNeeded
	p.writer = &fuse{Writer: meter.New(w, c.MaxResolution, p.series.Ingest)}
	p.rate = meter.NewBitrate(c.MaxBitrate)
	p.log.Info("publication begins", "agent", p.admission.request.Agent, "door", "whip")
}

// connect answers the offer.
func (p *Publisher) connect(o *rtc.Offer) (err error) {
	registry := &interceptor.Registry{}
	reports, err := report.NewReceiverInterceptor()
	if err != nil {
		return fmt.Errorf("make receiver reports: %w", err)
	}
	feedback, err := twcc.NewSenderInterceptor()
	if err != nil {
		return fmt.Errorf("make transport-wide feedback: %w", err)
	}
	registry.Add(reports)
	registry.Add(feedback)
	if p.peer, err = p.admission.server.config.Transport.NewPeer(o, registry); err != nil {
		return err
	}
	p.peer.OnConnectionStateChange(p.onState)
	p.peer.OnTrack(p.onTrack)
	p.answer, err = p.peer.Answer()
	return err
}

// onState follows the PeerConnection.
func (p *Publisher) onState(s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		p.connectedOnce.Do(func() { close(p.connected) })
	case webrtc.PeerConnectionStateFailed:
		p.end(p.unless(ErrConsentLost))
	case webrtc.PeerConnectionStateClosed:
		p.end(p.unless(ErrLeft))
	case webrtc.PeerConnectionStateUnknown, webrtc.PeerConnectionStateNew,
		webrtc.PeerConnectionStateConnecting, webrtc.PeerConnectionStateDisconnected:
	}
}

// unless returns cause, or ErrNeverConnected if DTLS was never done.
func (p *Publisher) unless(cause error) error {
	select {
	case <-p.connected:
		return cause
	default:
		return ErrNeverConnected
	}
}

// onTrack starts reading a track. pion calls it from a goroutine that nobody
// waits for. Of each kind there is one: a Writer takes no more.
func (p *Publisher) onTrack(t *webrtc.TrackRemote, from *webrtc.RTPReceiver) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || p.taken[t.Kind()] {
		return
	}
	p.taken[t.Kind()] = true
	r := newAudioReceiver(p)
	if t.Kind() == webrtc.RTPCodecTypeVideo {
		r = newVideoReceiver(p)
	}
	p.readers.Go(func() { p.read(t, r) })
	p.readers.Go(func() { p.readReports(from, uint32(t.SSRC()), r.timeline) })
}

// Answer returns the SDP answer.
func (p *Publisher) Answer() string { return p.answer }

// Ufrag returns the ice-ufrag of the publisher's offer.
func (p *Publisher) Ufrag() string { return p.ufrag }

// Context is done when the publication has ended; context.Cause tells why.
func (p *Publisher) Context() context.Context { return p.ctx }

// AddCandidate takes a trickled candidate, the value of an a=candidate line.
// Kinds that cannot be used, and more than a bounded number, are ignored.
func (p *Publisher) AddCandidate(candidate string) error {
	if !rtc.UsableCandidate(candidate) || p.candidates.Add(1) > rtc.MaxCandidates {
		return nil
	}
	return p.peer.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate})
}

// RestartICE begins ICE anew with the publisher's new credentials (RFC 8445
// §9) and returns the server's. Of several restarts the last one counts.
func (p *Publisher) RestartICE(ufrag, pwd string) (rtc.ICE, error) {
	p.restarting.Lock()
	defer p.restarting.Unlock()
	p.candidates.Store(0)
	return p.peer.RestartICE(ufrag, pwd)
}

// Close ends the publication and waits until everything is freed.
func (p *Publisher) Close() error {
	p.end(ErrStopped)
	<-p.done
	return nil
}

// finish ends the publication for a cause of the server's.
func (p *Publisher) finish(cause error) { p.end(fmt.Errorf("%w: %w", ErrEnded, cause)) }

// run waits for the end of the publication and frees all.
func (p *Publisher) run() {
	p.watch()
	p.finally()
	p.admission.server.leave(p.admission.host)
	close(p.done)
}

// watch returns when the context is done, which it sees to.
func (p *Publisher) watch() {
	timeout := time.NewTimer(connectTimeout)
	defer timeout.Stop()
	select {
	case <-p.connected:
	case <-timeout.C:
		p.end(ErrNeverConnected)
		return
	case <-p.ctx.Done():
		return
	}
	p.log.Info("publisher connected", "after", time.Since(p.began).Round(time.Millisecond))
	p.heard.Store(time.Now().UnixNano())
	idle := p.admission.server.config.IdleTimeout
	look := time.NewTicker(idle / 8)
	defer look.Stop()
	for {
		select {
		case now := <-look.C:
			if now.Sub(time.Unix(0, p.heard.Load())) > idle {
				p.end(ErrIdle)
			}
		case <-p.ctx.Done():
			return
		}
	}
}

// finally closes the connection, then the Writer.
func (p *Publisher) finally() {
	if p.peer != nil {
		_ = p.peer.Close()
	}
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.readers.Wait()
	if err := p.writer.Close(); err != nil {
		p.log.Warn("closing the stream", "error", err)
	}
	p.log.Info("publication ended", "after", time.Since(p.began).Round(time.Millisecond), "cause", context.Cause(p.ctx))
}
