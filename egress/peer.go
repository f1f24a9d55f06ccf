package egress

import (
	"cmp"
	"fmt"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/rtc"
)

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
func connect(transport *rtc.Transport, o *offer, onState func(webrtc.PeerConnectionState)) (_ *peer, err error) {
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
	var burst *rtc.Burst
	if q.PeerConnection, burst, err = transport.Connect(engine, &interceptor.Registry{}); err != nil {
		return nil, err
	}
	for _, t := range tracks {
		t.burst = burst
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
