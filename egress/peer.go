package egress

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"
)

const (
	// iceDisconnected and iceFailed: a viewer that answers no check for their
	// sum is gone, within the 30 s for which consent lasts (RFC 7675 §5.1).
	iceDisconnected = 5 * time.Second
	iceFailed       = 20 * time.Second
	iceKeepalive    = 2 * time.Second
	// dtlsRetransmission replaces pion's 1 s, which a lost packet at the join
	// would show to the viewer (RFC 9147 §5.8.2 suggests less than that).
	dtlsRetransmission = 200 * time.Millisecond
	// certificateAge is when the shared DTLS certificate is replaced; pion
	// makes them valid for a month.
	certificateAge = 7 * 24 * time.Hour
)

// peers makes the PeerConnections of all viewers from shared parts.
type peers struct {
	settings webrtc.SettingEngine
	mux      *udpMux

	// guarded by mu
	mu          sync.Mutex
	certificate *webrtc.Certificate
	made        time.Time
}

func newPeers(mux *udpMux, log *slog.Logger) (*peers, error) {
	network, err := stdnet.NewNet() // one for all: each lists the host's interfaces
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	s := webrtc.SettingEngine{LoggerFactory: pionLog{log}}
	s.SetNet(network)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	s.DisableActiveTCP(true)
	// As the DTLS server we choose the SRTP profile; AES-GCM costs a sixth of
	// what Chromium would pick.
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, fmt.Errorf("set the DTLS role: %w", err)
	}
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetDTLSInsecureSkipHelloVerify(true) // ICE has proved the address
	s.SetDTLSRetransmissionInterval(dtlsRetransmission)
	return &peers{settings: s, mux: mux}, nil
}

// certificateNow returns the DTLS certificate that viewers joining now share.
func (p *peers) certificateNow() (webrtc.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.certificate == nil || now.Sub(p.made) > certificateAge {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return webrtc.Certificate{}, fmt.Errorf("generate a DTLS key: %w", err)
		}
		c, err := webrtc.GenerateCertificate(key)
		if err != nil {
			return webrtc.Certificate{}, fmt.Errorf("generate a DTLS certificate: %w", err)
		}
		p.certificate, p.made = c, now
	}
	return *p.certificate, nil
}

// peer is a PeerConnection that sends what its offer accepted.
type peer struct {
	*webrtc.PeerConnection
	video, audio *track // nil: not accepted
	encoding     Encoding
	senders      []*webrtc.RTPSender
	answer       string
}

// connect answers an offer. It takes a few milliseconds: all candidates are
// host candidates.
func (p *peers) connect(o *offer, onState func(webrtc.PeerConnectionState)) (_ *peer, err error) {
	certificate, err := p.certificateNow()
	if err != nil {
		return nil, err
	}
	engine, err := o.mediaEngine()
	if err != nil {
		return nil, err
	}
	q := &peer{encoding: o.encoding}
	var tracks []*track
	if o.video != nil {
		q.video = newTrack(webrtc.RTPCodecTypeVideo, videoClock)
		tracks = append(tracks, q.video)
	}
	if o.audio != nil {
		q.audio = newTrack(webrtc.RTPCodecTypeAudio, audioClock)
		tracks = append(tracks, q.audio)
	}
	settings, mux := p.settings, p.mux.forViewer()
	settings.SetICEUDPMux(mux)
	for _, t := range tracks {
		t.burst = mux.burst
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	q.PeerConnection, err = api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{certificate}})
	if err != nil {
		return nil, fmt.Errorf("make a peer connection: %w", err)
	}
	defer func() {
		if err != nil {
			_ = q.Close()
		}
	}()
	q.OnConnectionStateChange(onState)
	for _, t := range tracks {
		tr, err := q.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return nil, fmt.Errorf("add a track: %w", err)
		}
		q.senders = append(q.senders, tr.Sender())
	}
	q.answer, err = q.negotiate(o)
	return q, err
}

// mediaEngine knows just what was chosen from the offer.
func (o *offer) mediaEngine() (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	var err error
	register := func(c webrtc.RTPCodecParameters, kind webrtc.RTPCodecType) {
		err = cmp.Or(err, engine.RegisterCodec(c, kind))
	}
	if v := o.video; v != nil {
		register(codec(v.payloadType, o.encoding.mime(), videoClock, 0, v.fmtp,
			"nack", "nack pli", "ccm fir", "transport-cc"), webrtc.RTPCodecTypeVideo)
		if v.rtx != 0 {
			register(codec(v.rtx, webrtc.MimeTypeRTX, videoClock, 0, fmt.Sprintf("apt=%d", v.payloadType)),
				webrtc.RTPCodecTypeVideo)
		}
		err = cmp.Or(err, engine.RegisterHeaderExtension(
			webrtc.RTPHeaderExtensionCapability{URI: transportCC}, webrtc.RTPCodecTypeVideo))
	}
	if a := o.audio; a != nil {
		register(codec(a.payloadType, webrtc.MimeTypeOpus, audioClock, 2, a.fmtp), webrtc.RTPCodecTypeAudio)
	}
	if err != nil {
		return nil, fmt.Errorf("register codecs: %w", err)
	}
	return engine, nil
}

// codec describes an accepted format to pion.
func codec(payloadType uint8, mime string, clock uint32, channels uint16, fmtp string, feedback ...string) webrtc.RTPCodecParameters {
	c := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(payloadType)}
	c.MimeType, c.ClockRate, c.Channels, c.SDPFmtpLine = mime, clock, channels, fmtp
	for _, f := range feedback {
		c.RTCPFeedback = append(c.RTCPFeedback, rtcpFeedback(f))
	}
	return c
}

// negotiate runs the offer/answer exchange and gathers all candidates.
func (q *peer) negotiate(o *offer) (string, error) {
	text, err := o.trimmed()
	if err != nil {
		return "", fmt.Errorf("trim the offer: %w", err)
	}
	answer, err := q.exchange(text)
	if err != nil {
		return "", err
	}
	return o.answer(answer)
}
