package whip

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/egress"
)

// Offers that are broken a line at a time: 4xx or a session, never 5xx.
func TestLiveHostileOffers(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	statuses := map[int]int{}
	for _, name := range []string{"firefox-max-bundle", "libdatachannel-like", "chromium-audio-only"} {
		lines := strings.SplitAfter(strings.TrimSpace(readOffers(t)[name])+"\r\n", "\r\n")
		for i, line := range lines {
			half := strings.TrimSpace(line)[:len(strings.TrimSpace(line))/2] + "\r\n"
			for _, instead := range []string{"", line + line, half, half + line, strings.Repeat(line, 50), strings.Map(shift, line) + "\r\n"} {
				text := strings.Join(lines[:i], "") + instead + strings.Join(lines[i+1:], "")
				w := serve(s.handler, post(endpoint, text))
				if w.Code != 201 && (w.Code < 400 || w.Code >= 500) {
					t.Errorf("A9.66 %s with %.60q for %.60q: %d %s", name, instead, line, w.Code, w.Body)
				}
				if path := w.Header().Get("Location"); path != "" {
					serve(s.handler, request{method: "DELETE", path: path})
				}
				statuses[w.Code]++
			}
		}
	}
	if statuses[201] == 0 || statuses[400] == 0 || statuses[422] == 0 {
		t.Errorf("statuses %v: the offers are not those meant", statuses)
	}
	s.join(t) // and a new viewer still plays
}

// shift makes another digit of a digit and another letter of a letter.
func shift(r rune) rune {
	switch {
	case r >= '0' && r <= '9':
		return '0' + (r-'0'+7)%10
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+3)%26
	default:
		return r
	}
}

// Offers that mean harm: too much of something, what cannot be, addresses that
// are nobody's.
func TestLiveCraftedOffers(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	host := func(address string, port int) string {
		return fmt.Sprintf("a=candidate:1 1 udp 2130706431 %s %d typ host\r\n", address, port)
	}
	numbered := func(format string, from, to int) string {
		var lines strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&lines, format, i)
		}
		return lines.String()
	}
	for name, lines := range map[string]string{
		"candidates":            strings.Repeat(host("192.0.2.1", 9), 1000),
		"different candidates":  numbered("a=candidate:1 1 udp 1 192.0.2.1 %d typ host\r\n", 1, 1000),
		"everybody":             host("255.255.255.255", 9) + host("224.0.0.1", 9) + host("ff02::1", 9),
		"nobody":                host("0.0.0.0", 9) + host("::", 9) + host("192.0.2.999", 9) + host("", 9),
		"ports that are none":   host("192.0.2.1", 0) + host("192.0.2.1", 65536) + host("192.0.2.1", -1),
		"a name":                host("example.org", 9) + host(strings.Repeat("a", 1000)+".local", 9),
		"formats":               numbered("a=rtpmap:%d H264/90000\r\na=fmtp:%[1]d packetization-mode=1\r\n", 200, 900),
		"rtpmaps of one format": strings.Repeat("a=rtpmap:96 H264/90000\r\n", 1000),
		"odd rtpmaps":           "a=rtpmap:\r\na=rtpmap:x y\r\na=rtpmap:96 H264/0\r\na=rtpmap:96 /\r\na=rtpmap:-1 H264/90000\r\na=rtpmap:99999999999 H264/90000\r\n",
		"a long fmtp":           "a=fmtp:96 " + strings.Repeat("x=y;", 10_000) + "\r\n",
		"profiles":              "a=fmtp:96 profile-level-id=zzzzzz\r\na=fmtp:96 profile-level-id=\r\na=fmtp:96 profile-level-id=42e01f42e01f42e01f\r\n",
		"RTX of itself":         "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=97\r\na=fmtp:97 apt=x\r\n",
		"extensions":            numbered("a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 0, 500),
		"one extension's id":    "a=extmap:1 urn:x\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:x\r\na=extmap:\r\n",
		"sources":               numbered("a=ssrc:%d cname:x\r\n", 0, 2000),
		"simulcast":             "a=rid:x recv\r\na=rid:y recv\r\na=simulcast:recv x;y\r\n",
		"SDES":                  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n",
		"fingerprints":          strings.Repeat("a=fingerprint:sha-256 00\r\n", 1000),
		"directions":            "a=sendonly\r\na=inactive\r\na=sendrecv\r\na=recvonly\r\n",
	} {
		for _, after := range []string{"t=0 0\r\n", "a=rtcp-mux\r\n"} {
			text := strings.Replace(chromium(t), after, after+lines, 1)
			w := serve(s.handler, post(endpoint, text))
			if w.Code != 201 && (w.Code < 400 || w.Code >= 500) {
				t.Errorf("A9.66 %s after %q: %d %s", name, after, w.Code, w.Body)
			}
			if w.Code == 201 && w.Body.Len() >= 8<<10 {
				t.Errorf("A9.66 %s after %q: %d bytes of answer", name, after, w.Body.Len())
			}
			if path := w.Header().Get("Location"); path != "" {
				serve(s.handler, request{method: "DELETE", path: path})
			}
		}
	}
	p := newPlayer(t) // and a new viewer still plays
	p.join(t, s)
	receive(t, "track", p.tracks)
}
