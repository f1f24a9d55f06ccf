// Package contributetest is a WebRTC publisher for tests, made of pion.
package contributetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/sluice-media/sluice/media/mediatest"
)

// Sender offers a video track in H.264 and one in Opus.
type Sender struct {
	Offer string // with all candidates

	tb           testing.TB
	pc           *webrtc.PeerConnection
	video, audio *webrtc.TrackLocalStaticSample
	connected    chan struct{}

	mu        sync.Mutex
	keyframes int // that were asked for
	running   sync.WaitGroup
}

// New returns a Sender, which is closed at the end of the test.
func New(tb testing.TB) *Sender {
	tb.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		tb.Fatal(err)
	}
	s := &Sender{tb: tb, pc: pc, connected: make(chan struct{})}
	tb.Cleanup(s.Close)
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			close(s.connected)
		}
	})
	s.audio = s.track(webrtc.MimeTypeOpus, "audio")
	s.video = s.track(webrtc.MimeTypeH264, "video")
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		tb.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		tb.Fatal(err)
	}
	<-gathered
	s.Offer = pc.LocalDescription().SDP
	return s
}

func (s *Sender) track(mime, id string) *webrtc.TrackLocalStaticSample {
	t, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime}, id, "sender")
	if err != nil {
		s.tb.Fatal(err)
	}
	tr, err := s.pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		s.tb.Fatal(err)
	}
	s.running.Go(func() { s.readRTCP(tr.Sender()) })
	return t
}

func (s *Sender) readRTCP(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if _, ok := p.(*rtcp.PictureLossIndication); ok {
				s.mu.Lock()
				s.keyframes++
				s.mu.Unlock()
			}
		}
	}
}

// Keyframes returns how often a keyframe was asked for.
func (s *Sender) Keyframes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keyframes
}

// Connect takes the answer and returns when media can flow.
func (s *Sender) Connect(answer string) {
	s.tb.Helper()
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		s.tb.Fatal(err)
	}
	select {
	case <-s.connected:
	case <-time.After(10 * time.Second):
		s.tb.Fatal("the sender does not connect")
	}
}

// Send sends a synthetic stream, 50 frames a second with an IDR every 10,
// until ctx is done.
func (s *Sender) Send(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		au := mediatest.VideoStream{FPS: 50, GOP: 10, Sequence: i}.AccessUnits(1)[0]
		var data []byte
		for _, n := range au.NALUs {
			data = append(append(data, 0, 0, 0, 1), n...)
		}
		_ = s.video.WriteSample(media.Sample{Data: data, Duration: 20 * time.Millisecond})
		_ = s.audio.WriteSample(media.Sample{Data: mediatest.AudioStream{Sequence: i}.Opus(1)[0].Data, Duration: 20 * time.Millisecond})
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// Close closes the connection, as a publisher that leaves without DELETE.
func (s *Sender) Close() {
	_ = s.pc.GracefulClose()
	s.running.Wait()
}
