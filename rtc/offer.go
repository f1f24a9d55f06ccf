package rtc

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Errors of offers.
var (
	// ErrBadOffer: the SDP is malformed or contradicts itself.
	ErrBadOffer = errors.New("bad offer")
	// ErrNoCommonCodec: the offer is sound but holds nothing that Sluice can
	// send or take.
	ErrNoCommonCodec = errors.New("no common codec")
)

// MaxCandidates bounds the addresses that a peer makes us send connectivity
// checks to, so that nobody turns us against somebody else (RFC 8445 §19.5.1).
// It needs one or two.
const MaxCandidates = 8

// Role is what a peer does with media.
type Role string

// The roles, by the attribute that its offer then has.
const (
	Receiver Role = sdp.AttrKeyRecvOnly
	Sender   Role = sdp.AttrKeySendOnly
)

// Offer is a peer's offer and what of it will be accepted.
type Offer struct {
	Ufrag        string
	Video, Audio *Accepted // nil: not offered, or nothing in it that will do
	Encoding     Encoding  // of the video

	// RefusedVideo and RefusedAudio list the codecs of a section in which none
	// will do; "": there is no such section.
	RefusedVideo, RefusedAudio string

	role Role
	desc *sdp.SessionDescription
}

// Accepted is an accepted m-line with the one format chosen from it.
type Accepted struct {
	media       *sdp.MediaDescription
	payloadType uint8
	fmtp        string
	rtx         uint8 // payload type of video's retransmissions; 0: not offered
	red         uint8 // payload type of sound with a copy of what was before it; 0: not offered
}

// Repairs says whether the peer sends lost packets again when it is asked to
// (RFC 4585 §6.2.1).
func (a *Accepted) Repairs() bool {
	pt := strconv.Itoa(int(a.payloadType))
	return slices.ContainsFunc(a.media.Attributes, func(attr sdp.Attribute) bool {
		return attr.Key == "rtcp-fb" && (attr.Value == pt+" nack" || attr.Value == "* nack")
	})
}

// ParseOffer reads the offer of a peer in a role and chooses a format for
// video, the first of the targets that is offered, and for Opus. It fails with
// ErrBadOffer or, where neither is to be had and the Offer has just what was
// refused, ErrNoCommonCodec.
func ParseOffer(text string, role Role, targets ...Target) (*Offer, error) {
	o := &Offer{desc: &sdp.SessionDescription{}, role: role}
	if err := o.desc.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadOffer, err)
	}
	if len(o.desc.MediaDescriptions) == 0 {
		return nil, fmt.Errorf("%w: no m-line", ErrBadOffer)
	}
	for _, m := range o.desc.MediaDescriptions {
		if !role.fits(m) {
			continue
		}
		switch m.MediaName.Media {
		case "video":
			if o.Video == nil {
				o.chooseVideo(m, targets)
			}
		case "audio":
			if o.Audio != nil {
				break
			}
			if o.Audio = chooseOpus(m); o.Audio == nil {
				o.RefusedAudio = codecNames(m)
			}
		}
	}
	if o.Video == nil && o.Audio == nil {
		return o, fmt.Errorf("%w: neither video nor Opus can be taken from the offer", ErrNoCommonCodec)
	}
	if o.Ufrag = o.transport("ice-ufrag"); o.Ufrag == "" {
		return nil, fmt.Errorf("%w: no ice-ufrag", ErrBadOffer)
	}
	for _, a := range o.accepted() {
		if mid, _ := a.media.Attribute(sdp.AttrKeyMID); mid == "" {
			return nil, fmt.Errorf("%w: %s without a mid", ErrBadOffer, a.media.MediaName.Media)
		}
	}
	return o, nil
}

// chooseVideo chooses the first target that the section offers.
func (o *Offer) chooseVideo(m *sdp.MediaDescription, targets []Target) {
	for _, t := range targets {
		if o.Video = chooseVideo(m, t); o.Video != nil {
			o.Encoding, o.RefusedVideo = t.Encoding, ""
			return
		}
	}
	o.RefusedVideo = codecNames(m)
}

// fits reports whether an m-line is one for the role: it is not rejected (port
// 0 means that only without bundle-only, RFC 9143 §6) and its direction is the
// role's or sendrecv, the default.
func (r Role) fits(m *sdp.MediaDescription) bool {
	other := Receiver
	if r == Receiver {
		other = Sender
	}
	_, bundleOnly := m.Attribute("bundle-only")
	_, opposite := m.Attribute(string(other))
	_, inactive := m.Attribute(sdp.AttrKeyInactive)
	return !opposite && !inactive && (m.MediaName.Port.Value != 0 || bundleOnly)
}

// answeringRole is ours in DTLS. As the server we choose the SRTP profile, and
// AES-GCM costs a sixth of what Chromium would pick; but a peer that is passive
// must be called (RFC 8842 §5.3), as FFmpeg's WHIP muxer may be.
func (o *Offer) answeringRole() webrtc.DTLSRole {
	if o.transport(sdp.AttrKeyConnectionSetup) == "passive" {
		return webrtc.DTLSRoleClient
	}
	return webrtc.DTLSRoleServer
}

// accepted returns the accepted m-lines in the offer's order.
func (o *Offer) accepted() []*Accepted {
	var list []*Accepted
	for _, m := range o.desc.MediaDescriptions {
		switch {
		case o.Video != nil && o.Video.media == m:
			list = append(list, o.Video)
		case o.Audio != nil && o.Audio.media == m:
			list = append(list, o.Audio)
		}
	}
	return list
}

// transport returns a transport attribute, which bundled m-lines may leave to
// another m-line or to the session level (RFC 9143 §7.1.3).
func (o *Offer) transport(key string) string {
	for _, a := range o.accepted() {
		if v, ok := a.media.Attribute(key); ok {
			return v
		}
	}
	if v, ok := o.desc.Attribute(key); ok {
		return v
	}
	for _, m := range o.desc.MediaDescriptions {
		if v, ok := m.Attribute(key); ok {
			return v
		}
	}
	return ""
}

// trimmed returns the offer with nothing in it but what will be accepted: the
// chosen formats, in one direction, and a bounded number of usable candidates.
// Negotiating Chromium's 45 formats would cost most of a join's CPU time.
func (o *Offer) trimmed() (string, error) {
	desc := *o.desc
	desc.Attributes = slices.DeleteFunc(slices.Clone(desc.Attributes), func(a sdp.Attribute) bool {
		switch a.Key {
		case sdp.AttrKeyGroup, sdp.AttrKeyCandidate, sdp.AttrKeySendRecv, sdp.AttrKeyRecvOnly, sdp.AttrKeySendOnly, "extmap":
			return true
		default:
			return false
		}
	})
	desc.MediaDescriptions = nil
	group, candidates := "BUNDLE", 0
	for _, a := range o.accepted() {
		m := a.trimmed(o.role, &candidates)
		for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint", sdp.AttrKeyConnectionSetup} {
			if _, ok := m.Attribute(key); !ok {
				m.WithValueAttribute(key, o.transport(key))
			}
		}
		mid, _ := m.Attribute(sdp.AttrKeyMID)
		group += " " + mid
		desc.MediaDescriptions = append(desc.MediaDescriptions, m)
	}
	desc.WithValueAttribute(sdp.AttrKeyGroup, group)
	text, err := desc.Marshal()
	return string(text), err
}

func (a *Accepted) trimmed(role Role, candidates *int) *sdp.MediaDescription {
	m := *a.media
	m.MediaName.Port = sdp.RangedPort{Value: 9}
	m.MediaName.Formats = nil
	for _, pt := range []uint8{a.payloadType, a.rtx, a.red} {
		if pt != 0 || pt == a.payloadType {
			m.MediaName.Formats = append(m.MediaName.Formats, strconv.Itoa(int(pt)))
		}
	}
	m.Attributes = nil
	for _, attr := range a.media.Attributes {
		switch attr.Key {
		case "rtpmap", "fmtp", "rtcp-fb":
			pt, _, _ := strings.Cut(attr.Value, " ")
			if pt != "*" && !slices.Contains(m.MediaName.Formats, pt) {
				continue
			}
		case "extmap":
			_, uri, _ := strings.Cut(attr.Value, " ")
			if !slices.Contains(role.extensions(webrtc.NewRTPCodecType(m.MediaName.Media)), uri) {
				continue
			}
		case sdp.AttrKeyCandidate:
			if *candidates >= MaxCandidates || !UsableCandidate(attr.Value) {
				continue
			}
			*candidates++
		case "ssrc", "ssrc-group", "msid":
			if role == Receiver {
				continue
			}
		case "rtcp", "bundle-only", "rid", "simulcast",
			sdp.AttrKeySendRecv, sdp.AttrKeyRecvOnly, sdp.AttrKeySendOnly:
			continue
		}
		m.Attributes = append(m.Attributes, attr)
	}
	m.WithPropertyAttribute(string(role))
	return &m
}

// UsableCandidate reports whether checks can be sent to a candidate: UDP,
// component 1, a literal unicast address. Names, mDNS ones among them, would
// need a resolver (RFC 8839 §5.1). Ports below 1024 belong to services, which
// nobody shall make us knock at.
func UsableCandidate(value string) bool {
	f := strings.Fields(strings.TrimPrefix(value, "candidate:"))
	if len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") {
		return false
	}
	ip, err := netip.ParseAddr(f[4])
	port, portErr := strconv.ParseUint(f[5], 10, 16)
	return err == nil && portErr == nil && port >= 1024 && !ip.IsUnspecified() && !ip.IsMulticast()
}
