package rtc

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

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

// redundancy returns the payload type for two packets of another in one
// (RFC 2198 §5).
func redundancy(offered []format, payloadType uint8) uint8 {
	for _, f := range offered {
		if strings.EqualFold(f.rtpmap, "red/48000/2") && f.fmtp == twice(payloadType) {
			return f.payloadType
		}
	}
	return 0
}

func twice(payloadType uint8) string { return fmt.Sprintf("%d/%d", payloadType, payloadType) }

// sameProfile compares profile_idc and, for baseline, constraint_set1_flag:
// that is what tells constrained baseline from baseline (RFC 6184 §8.1).
func sameProfile(a, b []byte) bool {
	return a[0] == b[0] && (a[0] != 66 || a[1]&0x40 == b[1]&0x40)
}

// chooseOpus picks the first Opus format (RFC 7587 §7). It has two channels
// whatever is coded; that is left out where caps of GStreamer's users do.
func chooseOpus(m *sdp.MediaDescription) *Accepted {
	offered := formats(m)
	for _, f := range offered {
		if strings.EqualFold(f.rtpmap, "opus/48000/2") || strings.EqualFold(f.rtpmap, "opus/48000") {
			return &Accepted{media: m, payloadType: f.payloadType, fmtp: f.fmtp, red: redundancy(offered, f.payloadType)}
		}
	}
	return nil
}
