package whip

import (
	"encoding/hex"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pion/sdp/v3"

	"github.com/sluice-media/sluice/rtc"
)

const (
	// maxMedia is generous: clients offer audio, video and a data channel.
	maxMedia = 8

	// RFC 8839 §5.4, in characters.
	minUfrag, maxUfrag = 4, 256
	minPwd, maxPwd     = 22, 256
)

// offer is an SDP offer under examination.
type offer struct {
	sdp.SessionDescription
	role rtc.Role // of who makes it

	// tagged is the media section whose transport the others share: the first
	// of the BUNDLE group, or the only one (RFC 9143 §7.2.1).
	tagged *sdp.MediaDescription
	bundle map[string]bool // mids in the group
}

// checkOffer refuses what can never become a session: 400 for broken offers,
// 422 for sound ones that Sluice cannot serve. Codecs are left to those who choose
// them.
func checkOffer(text string, role rtc.Role) error {
	// RFC 8866 §5: UTF-8 without NUL.
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return malformed("the offer is not text")
	}
	o := offer{role: role}
	if err := o.UnmarshalString(text); err != nil {
		return malformed("the offer does not parse: %v", err)
	}
	if n := len(o.MediaDescriptions); n == 0 || n > maxMedia {
		return unservable("the offer has %d media sections, not 1 to %d", n, maxMedia)
	}
	for _, check := range []func() error{o.checkBundle, o.checkMedia, o.checkStreams, o.checkICE, o.checkDTLS} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func malformed(format string, args ...any) error {
	return refuse(http.StatusBadRequest, format, args...)
}

func unservable(format string, args ...any) error {
	return refuse(http.StatusUnprocessableEntity, format, args...)
}

// checkBundle finds the BUNDLE group and its tagged section.
func (o *offer) checkBundle() error {
	sections := make(map[string]*sdp.MediaDescription)
	for _, m := range o.MediaDescriptions {
		mid, ok := m.Attribute("mid")
		if _, twice := sections[mid]; ok && twice {
			return malformed("mid %.20q names two sections", mid)
		}
		sections[mid] = m
	}
	o.tagged, o.bundle = o.MediaDescriptions[0], make(map[string]bool)
	for _, a := range o.Attributes {
		mids, ok := strings.CutPrefix(a.Value, "BUNDLE ")
		if a.Key != "group" || !ok {
			continue
		}
		if len(o.bundle) > 0 {
			return unservable("the offer has more than one BUNDLE group")
		}
		for i, mid := range strings.Fields(mids) {
			m := sections[mid]
			if m == nil {
				return malformed("the BUNDLE group has no section %.20q", mid)
			}
			if i == 0 {
				o.tagged = m
			}
			o.bundle[mid] = true
		}
	}
	return nil
}

// checkMedia looks at each section that is not rejected, and at their number:
// a viewer has one audio and one video track (draft-ietf-wish-whep §4.6.2), a
// publisher sends no more (RFC 9725 §4.4.2).
func (o *offer) checkMedia() error {
	active := make(map[string]int)
	transports := 0
	for _, m := range o.MediaDescriptions {
		_, bundleOnly := m.Attribute("bundle-only")
		if m.MediaName.Port.Value == 0 && !bundleOnly {
			continue // RFC 3264 §5.1: not offered
		}
		kind := m.MediaName.Media
		if active[kind]++; active[kind] > 1 {
			return unservable("the offer has more than one %s section", kind)
		}
		if mid, _ := m.Attribute("mid"); !o.bundle[mid] {
			transports++
		}
		switch kind {
		case "audio", "video":
			if err := o.checkTrack(m, bundleOnly); err != nil {
				return err
			}
		case "application": // a data channel, as reader.js offers
		default:
			return unservable("the offer has a section of unknown kind %.20q", kind)
		}
	}
	if active["audio"]+active["video"] == 0 {
		return unservable("the offer has neither audio nor video")
	}
	if len(o.bundle) > 0 {
		transports++
	}
	if transports > 1 {
		return unservable("the offer does not bundle all media on one transport")
	}
	return nil
}

func (o *offer) checkTrack(m *sdp.MediaDescription, bundleOnly bool) error {
	kind := m.MediaName.Media
	if proto := strings.Join(m.MediaName.Protos, "/"); proto != "UDP/TLS/RTP/SAVPF" {
		return unservable("%s over %.40q is not WebRTC", kind, proto)
	}
	if d := o.direction(m); d != string(o.role) && d != "sendrecv" {
		return unservable("%s is %s, not %s", kind, d, o.role)
	}
	// A bundle-only section leaves to the tagged one what concerns the
	// transport (RFC 9429 §5.2.1).
	if _, ok := m.Attribute("rtcp-mux"); !ok && !bundleOnly {
		return unservable("%s has no rtcp-mux (draft-ietf-wish-whep §4.6.1)", kind)
	}
	return nil
}

// checkStreams refuses tracks of several MediaStreams (RFC 9725 §4.4.2).
func (o *offer) checkStreams() error {
	first := ""
	for _, m := range o.MediaDescriptions {
		msid, _ := m.Attribute("msid")
		stream, _, _ := strings.Cut(msid, " ")
		switch {
		case o.role != rtc.Sender, stream == "", stream == "-":
		case first != "" && stream != first:
			return unservable("the offer has more than one MediaStream")
		default:
			first = stream
		}
	}
	return nil
}

// direction is m's, else the session's, else sendrecv (RFC 8866 §6.7).
func (o *offer) direction(m *sdp.MediaDescription) string {
	for _, attributes := range [][]sdp.Attribute{m.Attributes, o.Attributes} {
		for _, a := range attributes {
			switch a.Key {
			case "sendrecv", "recvonly", "sendonly", "inactive":
				return a.Key
			}
		}
	}
	return "sendrecv"
}

func (o *offer) checkICE() error {
	return checkCredentials(o.transport("ice-ufrag"), o.transport("ice-pwd"))
}

func checkCredentials(ufrag, pwd string) error {
	if n := len(ufrag); n < minUfrag || n > maxUfrag {
		return malformed("ice-ufrag has %d characters, not %d to %d", n, minUfrag, maxUfrag)
	}
	if n := len(pwd); n < minPwd || n > maxPwd {
		return malformed("ice-pwd has %d characters, not %d to %d", n, minPwd, maxPwd)
	}
	return nil
}

func (o *offer) checkDTLS() error {
	// RFC 8122 §5: sha-256 is what WebRTC uses (RFC 8827 §6.5).
	algorithm, digits, _ := strings.Cut(o.transport("fingerprint"), " ")
	sum, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if !strings.EqualFold(algorithm, "sha-256") || err != nil || len(sum) != 32 {
		return malformed("the offer has no sha-256 fingerprint")
	}
	switch setup := o.transport("setup"); setup {
	case "actpass", "active", "passive", "": // RFC 4145 §4: active when absent
		return nil
	default:
		return malformed("setup %.20q is not one of an offer", setup)
	}
}

// transport returns an attribute of the one transport: the tagged section's,
// else the session's.
func (o *offer) transport(name string) string {
	if v, ok := o.tagged.Attribute(name); ok {
		return v
	}
	v, _ := o.Attribute(name)
	return v
}
