package rtc

import (
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"
)

// answer makes the peer's answer of the one that pion gave to the trimmed
// offer: every offered m-line is there again in its place, those not accepted
// with port 0 (RFC 3264 §6).
func (o *Offer) answer(pion string) (string, error) {
	desc := &sdp.SessionDescription{}
	if err := desc.UnmarshalString(pion); err != nil {
		return "", fmt.Errorf("parse the answer: %w", err)
	}
	made := desc.MediaDescriptions
	if len(made) == 0 {
		return "", fmt.Errorf("%w: nothing was accepted", ErrBadOffer)
	}
	transport := made[0]
	desc.MediaDescriptions = nil
	for _, m := range o.desc.MediaDescriptions {
		accepted := o.Video != nil && o.Video.media == m || o.Audio != nil && o.Audio.media == m
		if !accepted {
			desc.MediaDescriptions = append(desc.MediaDescriptions, rejected(m, transport))
			continue
		}
		if len(made) == 0 || made[0].MediaName.Media != m.MediaName.Media || made[0].MediaName.Port.Value == 0 {
			return "", fmt.Errorf("%w: %s was not accepted", ErrBadOffer, m.MediaName.Media)
		}
		desc.MediaDescriptions = append(desc.MediaDescriptions, cleaned(made[0], m, o.role))
		made = made[1:]
	}
	text, err := desc.Marshal()
	return string(text), err
}

// rejected answers an m-line with port 0. The transport means nothing there and
// is repeated all the same: GStreamer's webrtcbin takes no answer without it.
func rejected(m, transport *sdp.MediaDescription) *sdp.MediaDescription {
	r := &sdp.MediaDescription{MediaName: m.MediaName}
	r.MediaName.Port = sdp.RangedPort{}
	r.ConnectionInformation = &sdp.ConnectionInformation{
		NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"},
	}
	if mid, ok := m.Attribute(sdp.AttrKeyMID); ok {
		r.WithValueAttribute(sdp.AttrKeyMID, mid)
	}
	for _, a := range transport.Attributes {
		switch a.Key {
		case "ice-ufrag", "ice-pwd", "setup":
			r.Attributes = append(r.Attributes, a)
		}
	}
	return r.WithPropertyAttribute(sdp.AttrKeyInactive)
}

// cleaned puts the candidates into order, says that the Opus sent is stereo
// (RFC 7587 §6.1), and answers the direction of header extensions.
func cleaned(m, offered *sdp.MediaDescription, role Role) *sdp.MediaDescription {
	candidates := candidatesOf(m)
	kept := m.Attributes[:0]
	for _, a := range m.Attributes {
		switch {
		case a.Key == sdp.AttrKeyCandidate:
			if len(candidates) == 0 {
				continue
			}
			a.Value, candidates = candidates[0], candidates[1:]
		case a.Key == "fmtp" && m.MediaName.Media == "audio" && role == Receiver && strings.HasPrefix(a.Value, m.MediaName.Formats[0]+" "):
			a.Value = withParameters(a.Value, "stereo=1", "sprop-stereo=1")
		case a.Key == "extmap":
			a.Value = directed(a.Value, offered)
		}
		kept = append(kept, a)
	}
	m.Attributes = kept
	return m
}

// directed answers a header extension that was offered for one direction only
// with the other (RFC 8285 §7); pion leaves that out.
func directed(extension string, offered *sdp.MediaDescription) string {
	id, uri, _ := strings.Cut(extension, " ")
	for _, a := range offered.Attributes {
		switch a.Value {
		case id + "/recvonly " + uri:
			return id + "/sendonly " + uri
		case id + "/sendonly " + uri:
			return id + "/recvonly " + uri
		}
	}
	return extension
}

// withParameters adds format parameters that are not there yet.
func withParameters(fmtp string, parameters ...string) string {
	for _, p := range parameters {
		key, _, _ := strings.Cut(p, "=")
		if !strings.Contains(" "+strings.ReplaceAll(fmtp, ";", " "), " "+key+"=") {
			fmtp += ";" + p
		}
	}
	return fmtp
}
