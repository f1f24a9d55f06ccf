package rtc

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"
)

// The clocks of RTP in Hz.
const (
	VideoClock = 90000 // RFC 6184 §8.2.1, and of the other codecs too
	AudioClock = 48000 // of Opus, RFC 7587 §4.1
)

// MimeTypeRED is redundant sound (RFC 2198 §9).
const MimeTypeRED = "audio/red"

// TransportCC is the header extension by which a receiver reports each packet's
// arrival (draft-holmer-rmcat-transport-wide-cc-extensions-01).
const TransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

// Header extensions for receivers: the bounds of the delay between a picture's
// arrival and its showing, and when a frame was captured
// (webrtc.org/experiments/rtp-hdrext).
const (
	PlayoutDelay   = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
	AbsCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
)

// extensions returns the header extensions that we know for a kind of media.
func (r Role) extensions(kind webrtc.RTPCodecType) []string {
	switch {
	case r == Sender:
		return []string{TransportCC}
	case kind == webrtc.RTPCodecTypeVideo:
		return []string{TransportCC, PlayoutDelay, AbsCaptureTime}
	default:
		return []string{AbsCaptureTime}
	}
}

// mediaEngine knows just what was chosen from the offer.
func (o *Offer) mediaEngine() (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	var err error
	register := func(c webrtc.RTPCodecParameters, kind webrtc.RTPCodecType) {
		err = cmp.Or(err, engine.RegisterCodec(c, kind))
	}
	if v := o.Video; v != nil {
		register(codec(v.payloadType, o.Encoding.mime(), VideoClock, 0, v.fmtp,
			"nack", "nack pli", "ccm fir", "transport-cc"), webrtc.RTPCodecTypeVideo)
		if v.rtx != 0 && o.role == Receiver {
			register(codec(v.rtx, webrtc.MimeTypeRTX, VideoClock, 0, fmt.Sprintf("apt=%d", v.payloadType)),
				webrtc.RTPCodecTypeVideo)
		}
	}
	if a := o.Audio; a != nil {
		var feedback []string
		if o.role == Sender {
			feedback = []string{"transport-cc"}
		}
		register(codec(a.payloadType, webrtc.MimeTypeOpus, AudioClock, 2, a.fmtp, feedback...), webrtc.RTPCodecTypeAudio)
		if a.red != 0 && o.role == Receiver {
			register(codec(a.red, MimeTypeRED, AudioClock, 2, twice(a.payloadType)), webrtc.RTPCodecTypeAudio)
		}
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		for _, uri := range o.role.extensions(kind) {
			err = cmp.Or(err, engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind))
		}
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

// rtcpFeedback splits an rtcp-fb value such as "nack pli" (RFC 4585 §4.2).
func rtcpFeedback(s string) webrtc.RTCPFeedback {
	kind, parameter, _ := strings.Cut(s, " ")
	return webrtc.RTCPFeedback{Type: kind, Parameter: parameter}
}
