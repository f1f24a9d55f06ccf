package whip

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/rtc"
)

// readOffers returns the offers of clients by name; testdata/offers/README.md
// says where each is from.
func readOffers(tb testing.TB) map[string]string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/offers/*.sdp")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no offers: %v", err)
	}
	offers := make(map[string]string)
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			tb.Fatal(err)
		}
		offers[strings.TrimSuffix(filepath.Base(p), ".sdp")] = string(text)
	}
	return offers
}

func chromium(tb testing.TB) string { return readOffers(tb)["chromium"] }

func TestOffersOfRealClients(t *testing.T) {
	for name, text := range readOffers(t) {
		t.Run(name, func(t *testing.T) {
			if err := checkOffer(text, rtc.Receiver); err != nil {
				t.Errorf("refused: %v", err)
			}
			if err := checkOffer(strings.ReplaceAll(text, "\r\n", "\n"), rtc.Receiver); err != nil {
				t.Errorf("refused with LF line ends: %v", err)
			}
		})
	}
}

// edit is a change to chromium.sdp and what becomes of the offer.
type edit struct {
	name     string
	old, new string // every old is replaced
	status   int    // 0: accepted
}

const (
	bad     = http.StatusBadRequest
	unmet   = http.StatusUnprocessableEntity
	twoPlus = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:7\r\na=recvonly\r\na=rtcp-mux\r\n"
)

func edits() []edit {
	return []edit{
		{"nothing changed", "", "", 0},
		{"A1.9 NUL", "s=-", "s=\x00", bad},
		{"A1.9 not UTF-8", "s=-", "s=\xff", bad},
		{"A1.7 no version line", "v=0\r\n", "", bad},
		{"A1.7 cut in a line", "a=group:BUNDLE 0 1\r\n", "a=group:BUNDLE 0 1\r\na", bad},
		{"A4.29 sendonly", "a=recvonly", "a=sendonly", unmet},
		{"A4.29 inactive", "a=recvonly", "a=inactive", unmet},
		{"A4.28 sendrecv", "a=recvonly", "a=sendrecv", 0},
		{"A4.28 sendrecv by default", "a=recvonly\r\n", "", 0},
		{"A4.30 no rtcp-mux", "a=rtcp-mux\r\n", "", unmet},
		{"A4.31 active", "a=setup:actpass", "a=setup:active", 0},
		{"A4.31 passive", "a=setup:actpass", "a=setup:passive", 0},
		{"A4.31 no setup: active by default", "a=setup:actpass\r\n", "", 0},
		{"A4.31 holdconn", "a=setup:actpass", "a=setup:holdconn", bad},
		{"A4.32 no fingerprint", "a=fingerprint:", "a=finger:", bad},
		{"A4.32 sha-1", "a=fingerprint:sha-256", "a=fingerprint:sha-1", bad},
		{"A4.32 short fingerprint", "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 AA:BB\r\na=x:", bad},
		{"A4.32 upper-case algorithm", "a=fingerprint:sha-256", "a=fingerprint:SHA-256", 0},
		{"A4.32 no ufrag", "a=ice-ufrag:", "a=ice-frag:", bad},
		{"A4.32 short ufrag", "a=ice-ufrag:", "a=ice-ufrag:abc\r\na=x:", bad},
		{"A4.32 longest ufrag", "a=ice-ufrag:", "a=ice-ufrag:" + strings.Repeat("u", 256) + "\r\na=x:", 0},
		{"A4.32 long ufrag", "a=ice-ufrag:", "a=ice-ufrag:" + strings.Repeat("u", 257) + "\r\na=x:", bad},
		{"A4.32 no pwd", "a=ice-pwd:", "a=ice-pw:", bad},
		{"A4.32 short pwd", "a=ice-pwd:", "a=ice-pwd:123456789012345678901\r\na=x:", bad},
		{"A4.32 long pwd", "a=ice-pwd:", "a=ice-pwd:" + strings.Repeat("p", 257) + "\r\na=x:", bad},
		{"A4.36 two video sections", "m=audio", twoPlus + "m=audio", unmet},
		{"A4.36 a rejected second video section", "m=audio", strings.Replace(twoPlus, " 9 ", " 0 ", 1) + "m=audio", 0},
		{"A4.27 no BUNDLE group", "a=group:BUNDLE 0 1\r\n", "", unmet},
		{"A4.27 video outside of the group", "a=group:BUNDLE 0 1", "a=group:BUNDLE 0", unmet},
		{"A4.27 two BUNDLE groups", "a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1", unmet},
		{"A4.27 BUNDLE of an unknown mid", "a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 2", bad},
		{"A4.27 one mid twice", "a=mid:1", "a=mid:0", bad},
		{"A4.27 empty mid", "a=mid:1", "a=mid:", bad},
		{"A4.27 all rejected", " 9 UDP/TLS", " 0 UDP/TLS", unmet},
		{"not WebRTC", "UDP/TLS/RTP/SAVPF", "RTP/AVP", unmet},
		{"unknown kind of media", "m=audio", "m=text", unmet},
		{"rejected audio", "m=audio 9", "m=audio 0", 0},
		{"nine sections", "m=audio", strings.Repeat("m=application 0 UDP/DTLS/SCTP x\r\n", 7) + "m=audio", unmet},
	}
}

func (e edit) of(text string) string {
	if e.old == "" {
		return text
	}
	return strings.ReplaceAll(text, e.old, e.new)
}

func TestCheckOffer(t *testing.T) {
	base := chromium(t)
	for _, e := range edits() {
		t.Run(e.name, func(t *testing.T) {
			text := e.of(base)
			if e.old != "" && text == base {
				t.Fatalf("chromium.sdp has no %q", e.old)
			}
			status := 0
			var p *problem
			if err := checkOffer(text, rtc.Receiver); errors.As(err, &p) {
				status = p.status
			}
			if status != e.status {
				t.Errorf("status %d, want %d (%v)", status, e.status, p)
			}
		})
	}
}

// What Chromium's offer cannot be turned into by one change.
func TestSmallOffers(t *testing.T) {
	const (
		session   = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
		group     = "a=group:BUNDLE 0 1\r\n"
		second    = "a=group:BUNDLE 1 0\r\n"
		transport = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n" +
			"a=fingerprint:sha-256 " + "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:" +
			"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
		data   = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"
		audio  = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtcp-mux\r\n"
		audio1 = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=rtcp-mux\r\n"
		video  = "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=bundle-only\r\n" // RFC 9429 §5.2.1
	)
	for _, c := range []struct {
		name, text string
		status     int
	}{
		{"no media", session, unmet},
		{"a data channel alone", session + transport + data, unmet},
		{"transport of the session", session + transport + audio, 0},
		{"transport of the section", session + audio + transport, 0},
		{"bundle-only video", session + group + audio + transport + video, 0},
		{"bundle-only video alone to be received", session + group + data + transport + video, 0},
		{"bundle-only video that is sent", session + group + audio + transport + video + "a=sendonly\r\n", unmet},
		{"transport of the tagged section", session + second + data + video + transport, 0},
		{"transport of another section", session + group + data + video + transport, bad},
		{"A4.27 one mid twice", session + transport + "a=group:BUNDLE 0\r\n" + audio + data, bad},
		{"A4.36 two audio sections", session + group + audio + transport + audio1, unmet},
	} {
		status := 0
		var p *problem
		if errors.As(checkOffer(c.text, rtc.Receiver), &p) {
			status = p.status
		}
		if status != c.status {
			t.Errorf("%s: status %d, want %d (%v)", c.name, status, c.status, p)
		}
	}
}

// A session-level direction counts where a section has none (Firefox writes
// one), and so do session-level transport attributes (libdatachannel).
func TestSessionLevelAttributes(t *testing.T) {
	text := strings.ReplaceAll(chromium(t), "a=recvonly\r\n", "")
	text = strings.Replace(text, "t=0 0\r\n", "t=0 0\r\na=sendonly\r\n", 1)
	var p *problem
	if !errors.As(checkOffer(text, rtc.Receiver), &p) || p.status != unmet {
		t.Errorf("sendonly session: %v, want 422", p)
	}
}

// Whatever is offered, the check neither panics nor answers with anything but
// 400 or 422.
func FuzzOffer(f *testing.F) {
	base := chromium(f)
	for _, e := range edits() {
		f.Add(e.of(base))
	}
	for _, text := range readOffers(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := checkOffer(text, rtc.Receiver)
		if err == nil {
			return
		}
		var p *problem
		if !errors.As(err, &p) || !slices.Contains([]int{bad, unmet}, p.status) {
			t.Errorf("refused with %v", err)
		}
	})
}
