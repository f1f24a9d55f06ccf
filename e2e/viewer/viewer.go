// Package viewer is a WHEP client on pion/webrtc that records what a browser
// hides: every sequence number, timestamp, marker and sender report.
//
// It sends no NACK and keeps no jitter buffer, so a packet that does not
// arrive, or arrives out of order, is a fault in its record.
package viewer

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/e2e/await"
)

// connectTime bounds a join, from the POST to the DTLS handshake's end.
const connectTime = 10 * time.Second

// receiveBuffer lets a whole replayed GOP wait while this process is not
// scheduled, so that only the server's losses are counted.
const receiveBuffer = 4 << 20

// Viewer is one WHEP session.
type Viewer struct {
	Video, Audio *Track

	tb      testing.TB
	pc      *webrtc.PeerConnection
	session string // URL
}

// Join opens a session at a WHEP endpoint and waits until it is connected. It
// ends with the test, if not before by Leave.
func Join(tb testing.TB, endpoint string) *Viewer {
	tb.Helper()
	v, err := TryJoin(tb, endpoint)
	if err != nil {
		tb.Fatalf("join %s: %v", endpoint, err)
	}
	return v
}

// TryJoin is Join with an error, for goroutines other than the test's.
func TryJoin(tb testing.TB, endpoint string) (*Viewer, error) {
	v, offer, err := prepare(tb)
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { _ = v.Leave() })
	answer, session, err := Post(endpoint, offer)
	if err != nil {
		return nil, err
	}
	v.session = session
	connected := make(chan struct{})
	var once sync.Once
	v.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	if err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return nil, fmt.Errorf("answer: %w\n%s", err, answer)
	}
	select {
	case <-connected:
		return v, nil
	case <-time.After(connectTime):
		return nil, fmt.Errorf("still %s after %v", v.pc.ConnectionState(), connectTime)
	}
}

// Abandon posts an offer and never connects.
func Abandon(tb testing.TB, endpoint string) {
	tb.Helper()
	v, offer, err := prepare(tb)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = v.pc.Close() })
	if _, _, err := Post(endpoint, offer); err != nil {
		tb.Fatalf("post offer: %v", err)
	}
}

// Leave deletes the session and closes the connection. A second call does
// nothing.
func (v *Viewer) Leave() error {
	session := v.session
	v.session = ""
	if session == "" {
		return v.pc.Close()
	}
	return errors.Join(Delete(session), v.pc.Close())
}

// State is that of the connection as the client sees it.
func (v *Viewer) State() webrtc.PeerConnectionState { return v.pc.ConnectionState() }

// Playing waits until video and audio have come for a while: n frames of each.
func (v *Viewer) Playing(n int) {
	v.tb.Helper()
	wantVideo, wantAudio := v.Video.Stats().Frames+n, v.Audio.Stats().Frames+n
	await.Success(v.tb, connectTime+time.Duration(n)*40*time.Millisecond, func() error {
		video, audio := v.Video.Stats().Frames, v.Audio.Stats().Frames
		if video < wantVideo || audio < wantAudio {
			return fmt.Errorf("viewer got %d video and %d audio frames, want %d and %d", video, audio, wantVideo, wantAudio)
		}
		return nil
	})
}

// Faults are those of both tracks.
func (v *Viewer) Faults() error {
	return errors.Join(v.Video.Faults(), v.Audio.Faults())
}

// prepare makes a connection that wants one video and one audio track, and its
// offer.
func prepare(tb testing.TB) (*Viewer, string, error) {
	api, err := newAPI(tb)
	if err != nil {
		return nil, "", err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, "", err
	}
	v := &Viewer{tb: tb, pc: pc, Video: newTrack("video", 90000), Audio: newTrack("audio", 48000)}
	pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		track := v.Video
		if remote.Kind() == webrtc.RTPCodecTypeAudio {
			track = v.Audio
		}
		go track.reports.read(receiver)
		track.read(remote)
	})
	recvonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := pc.AddTransceiverFromKind(kind, recvonly); err != nil {
			return nil, "", err
		}
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return nil, "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		return nil, "", err
	}
	<-gathered
	return v, pc.LocalDescription().SDP, nil
}

// newAPI offers what every browser does, H.264 in packetization mode 1 and
// stereo Opus, and H.265 as some do, on a socket of its own on the loopback interface.
func newAPI(tb testing.TB) (*webrtc.API, error) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { socket.Close() })
	if err := socket.SetReadBuffer(receiveBuffer); err != nil {
		return nil, err
	}
	silent := logging.NewDefaultLoggerFactory()
	silent.DefaultLogLevel = logging.LogLevelDisabled // it complains of every end
	settings := webrtc.SettingEngine{LoggerFactory: silent}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEUDPMux(webrtc.NewICEUDPMux(silent.NewLogger("ice"), socket))

	var media webrtc.MediaEngine
	h264 := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeH264, ClockRate: 90000,
		SDPFmtpLine:  "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}
	h265 := h264
	h265.MimeType, h265.SDPFmtpLine = webrtc.MimeTypeH265, "level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST"
	opus := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
		SDPFmtpLine: "minptime=10;useinbandfec=1;stereo=1",
	}
	err = errors.Join(
		media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: h264, PayloadType: 102}, webrtc.RTPCodecTypeVideo),
		media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: h265, PayloadType: 104}, webrtc.RTPCodecTypeVideo),
		media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}, webrtc.RTPCodecTypeAudio),
	)
	return webrtc.NewAPI(
		webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(&media),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
	), err
}
