package rtc

import (
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/sluice-media/sluice/media"
)

// Target is video that a format is chosen for.
type Target struct {
	Encoding
	H264 []byte // its profile-level-id; nil: not known
}

// chooseVideo picks the offered format that suits the stream best, nil if none
// does. Levels are not compared: decoders take more than they offer, and what
// they cannot take shows in no session description.
func chooseVideo(m *sdp.MediaDescription, t Target) *Accepted {
	var best *Accepted
	bestRank := 0
	offered := formats(m)
	for _, f := range offered {
		if rank := f.rank(t); rank > bestRank {
			best, bestRank = &Accepted{media: m, payloadType: f.payloadType, fmtp: f.fmtp}, rank
		}
	}
	if best != nil {
		best.rtx = retransmissions(offered, best.payloadType)
	}
	return best
}

// rank says how well a format suits the stream; 0: not at all.
func (f format) rank(t Target) int {
	switch {
	case t.Codec == media.H264 && f.is("H264"):
		return f.rankH264(t.H264)
	case t.Codec == media.H265 && f.is("H265"):
		return f.rankH265(t.Profile)
	case t.Codec == media.AV1 && f.is("AV1"):
		return f.rankProfile("profile", t.Profile) // RTP Payload Format For AV1 §7.2.1
	case t.Codec == media.VP9 && f.is("VP9"):
		return f.rankProfile("profile-id", t.Profile) // RFC 9628 §6
	default:
		return 0
	}
}

// is compares the encoding name, at video's clock rate.
func (f format) is(name string) bool { return strings.EqualFold(f.rtpmap, name+"/90000") }

// rankH264 prefers the stream's own profile, then constrained baseline, under
// which every browser decodes every profile it has. Only packetization mode 1
// will do: access units need FU-A (RFC 6184 §6.2). A format that says nothing of
// its mode is in mode 0 (§8.1), but that is how GStreamer's users write their
// caps, and its receiver reads mode 1 all the same: better than no picture.
func (f format) rankH264(profile []byte) int {
	switch f.parameter("packetization-mode") {
	case "1":
	case "":
		return 1
	default:
		return 0
	}
	switch p := f.profile(); {
	case profile != nil && sameProfile(p, profile):
		return 5
	case p[0] == 66 && p[1]&0x40 != 0:
		return 4
	case p[0] == 66:
		return 3
	default:
		return 2
	}
}

// rankH265 wants the stream's profile, or Main 10, whose decoders decode Main
// too (ITU-T H.265 §A.3.3), and one RTP stream (RFC 7798 §7.1).
func (f format) rankH265(profile uint8) int {
	const main, main10 = 1, 2
	mode := f.parameter("tx-mode")
	switch offered := f.number("profile-id", main); {
	case mode != "" && !strings.EqualFold(mode, "SRST"):
		return 0
	case offered == int(profile):
		return 2
	case offered == main10 && profile == main:
		return 1
	default:
		return 0
	}
}

// rankProfile wants the stream's profile, 0 if the offer does not say.
func (f format) rankProfile(parameter string, profile uint8) int {
	if f.number(parameter, 0) != int(profile) {
		return 0
	}
	return 1
}

// number returns a numeric parameter; -1: it is none.
func (f format) number(name string, absent int) int {
	value := f.parameter(name)
	if value == "" {
		return absent
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return -1
	}
	return n
}

// codecNames lists the video codecs of an m-line for a person: no
// retransmissions and error correction, each once.
func codecNames(m *sdp.MediaDescription) string {
	var names []string
	for _, f := range formats(m) {
		name, _, _ := strings.Cut(f.rtpmap, "/")
		switch upper := strings.ToUpper(name); upper {
		case "", "RTX", "RED", "ULPFEC", "FLEXFEC-03":
			continue
		case "H264", "H265":
			name = upper[:1] + "." + upper[1:]
		}
		if len(names) < 16 && len(name) <= 16 && !strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "no codec"
	}
	return strings.Join(names, " ")
}
