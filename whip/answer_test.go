package whip

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

// answered is an offer and its answer under examination.
type answered struct {
	offer, answer sdp.SessionDescription
	ours          bool     // held to what Sluice promises beyond the documents
	faults        []string // each begins with the rule that is broken
}

func (a *answered) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

// checkAnswer holds an answer against part A4 of the checklist.
func checkAnswer(t *testing.T, offer, answer string) {
	t.Helper()
	for _, fault := range answerFaults(offer, answer, true) {
		t.Error(fault)
	}
	if strings.Count(answer, "cname:") == 0 {
		t.Error("A4.36 no cname")
	}
	if strings.Contains(answer, "m=application") && !strings.Contains(answer, "m=application 0 ") {
		t.Error("A4.38 a data channel was promised")
	}
}

// answerFaults returns what is wrong with an answer.
func answerFaults(offer, answer string, ours bool) []string {
	a := answered{ours: ours}
	if err := a.offer.UnmarshalString(offer); err != nil {
		return []string{err.Error()}
	}
	if err := a.answer.UnmarshalString(answer); err != nil {
		return []string{fmt.Sprintf("A4.27 %v in %s", err, answer)}
	}
	a.check(answer)
	return a.faults
}

func (a *answered) check(answer string) {
	if !strings.HasPrefix(answer, "v=0\r\n") || strings.Count(answer, "\n") != strings.Count(answer, "\r\n") {
		a.fault("A4.27 not v=0 first, or not CRLF everywhere")
	}
	if len(answer) >= 8<<10 {
		a.fault("A4.33 %d bytes, more than ffmpeg reads", len(answer))
	}
	if len(a.answer.MediaDescriptions) != len(a.offer.MediaDescriptions) {
		a.fault("A4.27 %d m-lines, %d offered", len(a.answer.MediaDescriptions), len(a.offer.MediaDescriptions))
		return
	}
	group, streams, cnames := "BUNDLE", map[string]bool{}, map[string]bool{}
	for i, m := range a.answer.MediaDescriptions {
		offered := a.offer.MediaDescriptions[i]
		mid, _ := m.Attribute("mid")
		if want, _ := offered.Attribute("mid"); mid != want || m.MediaName.Media != offered.MediaName.Media {
			a.fault("A4.27 m-line %d is %s %q", i, m.MediaName.Media, mid)
		}
		if m.MediaName.Port.Value == 0 {
			if _, ok := m.Attribute("ice-ufrag"); a.ours && !ok {
				a.fault("A4.39 GStreamer takes no rejected %s without a transport", m.MediaName.Media)
			}
			if m.MediaName.Media != "application" {
				a.fault("A4.40 %s was rejected", m.MediaName.Media)
			}
			continue
		}
		group += " " + mid
		if m.MediaName.Media == "application" {
			continue
		}
		a.checkTransport(m)
		a.checkFormats(m, offered)
		a.checkStream(m, streams, cnames)
	}
	a.checkCandidates()
	if got, _ := a.answer.Attribute("group"); got != group {
		a.fault("A4.27 group %q, want %q", got, group)
	}
	if len(streams) != 1 || streams["-"] || len(cnames) > 1 {
		a.fault("A4.36 streams %v, cnames %v, want one of each", streams, cnames)
	}
}

// find returns an attribute of a section, else of the session.
func find(d *sdp.SessionDescription, m *sdp.MediaDescription, name string) string {
	if v, ok := m.Attribute(name); ok {
		return v
	}
	v, _ := d.Attribute(name)
	return v
}

func (a *answered) checkTransport(m *sdp.MediaDescription) {
	has := func(name string) bool { _, ok := m.Attribute(name); return ok }
	if !has("sendonly") || has("sendrecv") || has("recvonly") || has("inactive") {
		a.fault("A4.28 %s is not sendonly", m.MediaName.Media)
	}
	if !has("rtcp-mux") || has("rtcp-mux-only") {
		a.fault("A4.30 %s: rtcp-mux %t, rtcp-mux-only %t", m.MediaName.Media, has("rtcp-mux"), has("rtcp-mux-only"))
	}
	offered, setup := find(&a.offer, a.offer.MediaDescriptions[0], "setup"), find(&a.answer, m, "setup")
	if setup != "active" && setup != "passive" || setup == offered { // RFC 5763 §5
		a.fault("A4.31 setup %q for %q", setup, offered)
	}
	if print := find(&a.answer, m, "fingerprint"); !strings.HasPrefix(print, "sha-256 ") || len(print) != len("sha-256 ")+32*3-1 {
		a.fault("A4.32 fingerprint %q", print)
	}
	if got := find(&a.answer, m, "ice-options"); a.ours && (got != "trickle" || find(&a.answer, m, "ice-lite") != "") {
		a.fault("A4.34 ice-options %q", got)
	}
}

// checkCandidates looks at those of all sections: they share one transport, so
// they need to stand in the first alone.
func (a *answered) checkCandidates() {
	n, ended := 0, false
	for _, m := range a.answer.MediaDescriptions {
		for _, attr := range m.Attributes {
			ended = ended || attr.Key == sdp.AttrKeyEndOfCandidates
			if !attr.IsICECandidate() {
				continue
			}
			f := strings.Fields(attr.Value)
			if len(f) < 8 || f[1] != "1" || strings.HasSuffix(f[4], ".local") || f[4] == "0.0.0.0" {
				a.fault("A4.33 %s", attr.Value)
			}
			if n == 0 && (!strings.EqualFold(f[2], "udp") || f[7] != "host") {
				a.fault("A4.33 the first candidate, the only one that ffmpeg reads, is %s", attr.Value)
			}
			n++
		}
	}
	if n == 0 || !ended {
		a.fault("A4.33 %d candidates, end-of-candidates: %t", n, ended)
	}
}

func (a *answered) checkFormats(m, offered *sdp.MediaDescription) {
	for _, pt := range m.MediaName.Formats {
		if !slices.Contains(offered.MediaName.Formats, pt) {
			a.fault("A4.35 %s was not offered", pt)
		}
	}
	for _, attr := range m.Attributes {
		switch attr.Key {
		case "rtpmap":
			if !holds(offered, attr) {
				a.fault("A4.35 rtpmap %q was not offered", attr.Value)
			}
			if name := strings.TrimSuffix(strings.ToLower(attr.Value), "/2"); a.ours && m.MediaName.Media == "audio" &&
				!strings.HasSuffix(name, " opus/48000") && !strings.HasSuffix(name, " red/48000") {
				a.fault("A4.35 rtpmap %q", attr.Value)
			}
		case "fmtp":
			if a.ours && m.MediaName.Media == "video" && !strings.Contains(attr.Value, "apt=") && !strings.Contains(attr.Value, "packetization-mode=1") {
				a.fault("A4.35 fmtp %q", attr.Value)
			}
		case "extmap", "rtcp-fb":
			attr.Value = strings.Replace(attr.Value, "/sendonly ", "/recvonly ", 1) // RFC 8285 §7
			if !holds(offered, attr) {
				a.fault("A4.37 %s %q was not offered", attr.Key, attr.Value)
			}
		}
	}
}

// holds reports whether a section has an attribute, in any case of letters,
// for all payload types or for the one.
func holds(m *sdp.MediaDescription, want sdp.Attribute) bool {
	_, rest, _ := strings.Cut(want.Value, " ")
	return slices.ContainsFunc(m.Attributes, func(a sdp.Attribute) bool {
		return a.Key == want.Key && (strings.EqualFold(a.Value, want.Value) || a.Value == "* "+rest)
	})
}

// checkStream collects the section's MediaStream and cname.
func (a *answered) checkStream(m *sdp.MediaDescription, streams, cnames map[string]bool) {
	ssrcs, want := map[string]bool{}, 1 // media, and its retransmissions
	for _, attr := range m.Attributes {
		switch attr.Key {
		case "msid":
			stream, _, _ := strings.Cut(attr.Value, " ")
			streams[stream] = true
		case "fmtp":
			if strings.Contains(attr.Value, " apt=") {
				want++
			}
		case "ssrc":
			ssrc, rest, _ := strings.Cut(attr.Value, " ")
			ssrcs[ssrc] = true
			if cname, ok := strings.CutPrefix(rest, "cname:"); ok {
				cnames[cname] = true
			}
		}
	}
	if a.ours && len(ssrcs) != want {
		a.fault("A4.36 %s has %d SSRCs, not %d", m.MediaName.Media, len(ssrcs), want)
	}
}
