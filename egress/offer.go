package egress

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/sluice-media/sluice/media"
)

// maxOfferedCandidates bounds the addresses that an offer makes us send
// connectivity checks to, so that nobody turns us against somebody else
// (RFC 8445 §19.5.1). A viewer needs one or two.
const maxOfferedCandidates = 8

// offer is a viewer's offer and what of it will be accepted.
type offer struct {
	desc         *sdp.SessionDescription
	ufrag        string
	video, audio *acceptance // nil: not offered, or nothing in it that we send
	encoding     Encoding    // of the video
}

// acceptance is an accepted m-line with the one format chosen from it.
type acceptance struct {
	media       *sdp.MediaDescription
	payloadType uint8
	fmtp        string
	rtx         uint8 // payload type of its retransmissions; 0: not offered
}

// parseOffer reads an offer and chooses a format for the stream's video and for
// Opus. It fails with ErrBadOffer or ErrNoCommonCodec.
func parseOffer(text string, t target) (*offer, error) {
	o := &offer{desc: &sdp.SessionDescription{}, encoding: t.Encoding}
	if err := o.desc.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadOffer, err)
	}
	if len(o.desc.MediaDescriptions) == 0 {
		return nil, fmt.Errorf("%w: no m-line", ErrBadOffer)
	}
	var refused *sdp.MediaDescription
	for _, m := range o.desc.MediaDescriptions {
		if !receives(m) {
			continue
		}
		switch m.MediaName.Media {
		case "video":
			if o.video == nil {
				o.video = chooseVideo(m, t)
				refused = m
			}
		case "audio":
			if o.audio == nil {
				o.audio = chooseOpus(m)
			}
		}
	}
	switch {
	case refused != nil && o.video == nil && t.Codec == media.H264:
		return nil, fmt.Errorf("%w: the stream is H.264, which needs packetization-mode=1, and the viewer offers %s", ErrNoCommonCodec, codecNames(refused))
	case refused != nil && o.video == nil:
		return nil, fmt.Errorf("%w: the stream is %s, and the viewer offers %s", ErrNoCommonCodec, t.Encoding, codecNames(refused))
	case o.video == nil && o.audio == nil:
		return nil, fmt.Errorf("%w: the offer asks for neither video nor Opus", ErrNoCommonCodec)
	}
	if o.ufrag = o.transport("ice-ufrag"); o.ufrag == "" {
		return nil, fmt.Errorf("%w: no ice-ufrag", ErrBadOffer)
	}
	for _, a := range o.accepted() {
		if mid, _ := a.media.Attribute(sdp.AttrKeyMID); mid == "" {
			return nil, fmt.Errorf("%w: %s without a mid", ErrBadOffer, a.media.MediaName.Media)
		}
	}
	return o, nil
}

// receives reports whether an m-line can take media from us: it is not
// rejected (port 0 means that only without bundle-only, RFC 9143 §6) and its
// direction is recvonly or sendrecv, the default.
func receives(m *sdp.MediaDescription) bool {
	_, bundleOnly := m.Attribute("bundle-only")
	_, sendOnly := m.Attribute(sdp.AttrKeySendOnly)
	_, inactive := m.Attribute(sdp.AttrKeyInactive)
	return !sendOnly && !inactive && (m.MediaName.Port.Value != 0 || bundleOnly)
}

// accepted returns the accepted m-lines in the offer's order.
func (o *offer) accepted() []*acceptance {
	var list []*acceptance
	for _, m := range o.desc.MediaDescriptions {
		switch {
		case o.video != nil && o.video.media == m:
			list = append(list, o.video)
		case o.audio != nil && o.audio.media == m:
			list = append(list, o.audio)
		}
	}
	return list
}

// transport returns a transport attribute, which bundled m-lines may leave to
// another m-line or to the session level (RFC 9143 §7.1.3).
func (o *offer) transport(key string) string {
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
// chosen formats, receive-only, and a bounded number of usable candidates.
// Negotiating Chromium's 45 formats would cost most of a join's CPU time.
func (o *offer) trimmed() (string, error) {
	desc := *o.desc
	desc.Attributes = slices.DeleteFunc(slices.Clone(desc.Attributes), func(a sdp.Attribute) bool {
		switch a.Key {
		case sdp.AttrKeyGroup, sdp.AttrKeyCandidate, sdp.AttrKeySendRecv, sdp.AttrKeyRecvOnly, "extmap":
			return true
		default:
			return false
		}
	})
	desc.MediaDescriptions = nil
	group, candidates := "BUNDLE", 0
	for _, a := range o.accepted() {
		m := a.trimmed(&candidates)
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

func (a *acceptance) trimmed(candidates *int) *sdp.MediaDescription {
	m := *a.media
	m.MediaName.Port = sdp.RangedPort{Value: 9}
	m.MediaName.Formats = []string{strconv.Itoa(int(a.payloadType))}
	if a.rtx != 0 {
		m.MediaName.Formats = append(m.MediaName.Formats, strconv.Itoa(int(a.rtx)))
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
			if _, uri, _ := strings.Cut(attr.Value, " "); m.MediaName.Media != "video" || uri != transportCC {
				continue
			}
		case sdp.AttrKeyCandidate:
			if *candidates >= maxOfferedCandidates || !usableCandidate(attr.Value) {
				continue
			}
			*candidates++
		case "ssrc", "ssrc-group", "msid", "rtcp", "bundle-only", "rid", "simulcast",
			sdp.AttrKeySendRecv, sdp.AttrKeyRecvOnly:
			continue
		}
		m.Attributes = append(m.Attributes, attr)
	}
	m.WithPropertyAttribute(sdp.AttrKeyRecvOnly)
	return &m
}

// usableCandidate reports whether checks can be sent to a candidate: UDP,
// component 1, a literal unicast address. Names, mDNS ones among them, would
// need a resolver (RFC 8839 §5.1). Ports below 1024 belong to services, which
// nobody shall make us knock at.
func usableCandidate(value string) bool {
	f := strings.Fields(strings.TrimPrefix(value, "candidate:"))
	if len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") {
		return false
	}
	ip, err := netip.ParseAddr(f[4])
	port, portErr := strconv.ParseUint(f[5], 10, 16)
	return err == nil && portErr == nil && port >= 1024 && !ip.IsUnspecified() && !ip.IsMulticast()
}

// format is one payload type of an m-line.
type format struct {
	payloadType uint8
	rtpmap      string // encoding name/clock rate[/channels]
	fmtp        string
}

// formats returns the payload types of an m-line in order of preference.
func formats(m *sdp.MediaDescription) []format {
	var list []format
	for _, name := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(name, 10, 7)
		if err != nil {
			continue
		}
		f := format{payloadType: uint8(pt)}
		for _, a := range m.Attributes {
			id, value, _ := strings.Cut(a.Value, " ")
			switch {
			case id != name:
			case a.Key == "rtpmap":
				f.rtpmap = value
			case a.Key == "fmtp":
				f.fmtp = value
			}
		}
		list = append(list, f)
	}
	return list
}

// parameter returns one of a format's parameters.
func (f format) parameter(name string) string {
	for p := range strings.SplitSeq(f.fmtp, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// profileOf returns a format's profile-level-id; constrained baseline level
// 1.0 is what its absence means (RFC 6184 §8.1).
func (f format) profile() []byte {
	id, err := hex.DecodeString(f.parameter("profile-level-id"))
	if err != nil || len(id) != 3 {
		return []byte{66, 0xe0, 10}
	}
	return id
}

// retransmissions returns the payload type for retransmissions of another
// (RFC 4588 §8.1).
func retransmissions(offered []format, payloadType uint8) uint8 {
	for _, f := range offered {
		if strings.EqualFold(f.rtpmap, "rtx/90000") && f.parameter("apt") == strconv.Itoa(int(payloadType)) {
			return f.payloadType
		}
	}
	return 0
}

// sameProfile compares profile_idc and, for baseline, constraint_set1_flag:
// that is what tells constrained baseline from baseline (RFC 6184 §8.1).
func sameProfile(a, b []byte) bool {
	return a[0] == b[0] && (a[0] != 66 || a[1]&0x40 == b[1]&0x40)
}

// chooseOpus picks the first Opus format (RFC 7587 §7).
func chooseOpus(m *sdp.MediaDescription) *acceptance {
	for _, f := range formats(m) {
		if strings.EqualFold(f.rtpmap, "opus/48000/2") {
			return &acceptance{media: m, payloadType: f.payloadType, fmtp: f.fmtp}
		}
	}
	return nil
}
