package whip

import (
	"reflect"
	"strings"
	"testing"
)

const (
	hostUDP  = "candidate:3688532916 1 udp 2113937151 192.0.2.7 48124 typ host generation 0 ufrag TB4u network-cost 999"
	hostMDNS = "candidate:0 1 UDP 2122187007 6824193a-6eb8-42fa-ac94-9f8bf9e09ec3.local 54677 typ host"
	hostTCP  = "candidate:2 1 TCP 2105458943 192.0.2.7 9 typ host tcptype active"
	srflx6   = "candidate:842163049 1 udp 1677729535 2001:db8::7 41000 typ srflx raddr :: rport 0"
)

type fragmentCase struct {
	name, body string
	want       *fragment // nil: an error
}

func fragmentCases() []fragmentCase {
	return []fragmentCase{
		{
			"A5.45 the form of RFC 8840",
			"a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=ice-ufrag:TB4u\r\na=ice-pwd:x\r\na=" + hostUDP + "\r\na=" + srflx6 + "\r\na=end-of-candidates\r\n",
			&fragment{"TB4u", "x", []string{hostUDP, srflx6}},
		},
		{
			"A5.45 whip-whep: credentials for the session, no group",
			"a=ice-ufrag:TB4u\r\na=ice-pwd:x\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=" + hostUDP + "\r\n",
			&fragment{"TB4u", "x", []string{hostUDP}},
		},
		{
			"A5.45 simple-whep-client",
			"a=ice-ufrag:TB4u\r\na=ice-pwd:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=" + hostUDP + "\r\n",
			&fragment{"TB4u", "x", []string{hostUDP}},
		},
		{
			"A5.45 reader.js: the offer's m-line, mid by index",
			"a=ice-ufrag:TB4u\r\na=ice-pwd:x\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97 98\r\na=mid:0\r\na=" + hostUDP + "\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=" + hostMDNS + "\r\n",
			&fragment{"TB4u", "x", []string{hostUDP, hostMDNS}},
		},
		{
			"A5.45 end of candidates only",
			"a=ice-ufrag:TB4u\r\na=ice-pwd:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n",
			&fragment{"TB4u", "x", nil},
		},
		{"nothing but the end", "a=end-of-candidates", &fragment{}},
		{"reader.js: a browser's empty candidate", "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=\r\n", &fragment{}},
		{"an empty candidate by name", "a=candidate:\r\n", &fragment{}},
		{"A5.48 whip-whep restarts: no m-line", "a=ice-ufrag:new1\r\na=ice-pwd:x\r\n", &fragment{"new1", "x", nil}},
		{"A5.43 TCP and unknown extensions", "a=" + hostTCP + " x y", &fragment{"", "", []string{hostTCP + " x y"}}},
		{"LF line ends and empty lines", "\na=ice-ufrag:u\n\na=" + hostUDP + "\n", &fragment{"u", "", []string{hostUDP}}},
		{"one ufrag for two sections", "a=ice-ufrag:u\r\nm=a\r\na=ice-ufrag:u\r\n", &fragment{"u", "", nil}},

		{"empty", "", nil},
		{"blank lines", "\r\n\r\n", nil},
		{"says nothing", "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n", nil},
		{"not lines of SDP", "candidates, please", nil},
		{"a line of one letter", "a", nil},
		{"an upper-case type", "A=end-of-candidates", nil},
		{"binary", "\x16\xfe\xfd\x00\x00", nil},
		{"JSON", `{"candidate":"x"}`, nil},
		{"two ufrags", "a=ice-ufrag:u\r\na=ice-ufrag:v\r\n", nil},
		{"an empty ufrag", "a=ice-ufrag:\r\n", nil},
		{"a short candidate", "a=candidate:1 1 udp 1 192.0.2.7 5000 typ\r\n", nil},
		{"a candidate without typ", "a=candidate:1 1 udp 1 192.0.2.7 5000 host typ\r\n", nil},
		{"a component too large", "a=candidate:1 65536 udp 1 192.0.2.7 5000 typ host\r\n", nil},
		{"a priority too large", "a=candidate:1 1 udp 4294967296 192.0.2.7 5000 typ host\r\n", nil},
		{"a port too large", "a=candidate:1 1 udp 1 192.0.2.7 65536 typ host\r\n", nil},
		{"a negative port", "a=candidate:1 1 udp 1 192.0.2.7 -1 typ host\r\n", nil},
	}
}

func TestParseFragment(t *testing.T) {
	for _, c := range fragmentCases() {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseFragment(c.body)
			switch {
			case c.want == nil && err == nil:
				t.Errorf("got %+v, want an error", got)
			case c.want != nil && err != nil:
				t.Errorf("got error %v", err)
			case c.want != nil && !reflect.DeepEqual(got, *c.want):
				t.Errorf("got %+v, want %+v", got, *c.want)
			}
		})
	}
}

// What is accepted is made of the body's own lines and means the same when it
// is written again.
func FuzzSDPFrag(f *testing.F) {
	for _, c := range fragmentCases() {
		f.Add(c.body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := parseFragment(body)
		if err != nil {
			return
		}
		again := "a=end-of-candidates\n"
		if got.ufrag != "" {
			again += "a=ice-ufrag:" + got.ufrag + "\n"
		}
		if got.pwd != "" {
			again += "a=ice-pwd:" + got.pwd + "\n"
		}
		for _, c := range got.candidates {
			if !strings.Contains(body, c) {
				t.Errorf("candidate %q is not in the body", c)
			}
			again += "a=" + c + "\n"
		}
		if second, err := parseFragment(again); err != nil || !reflect.DeepEqual(second, got) {
			t.Errorf("got %+v, written again %+v (%v)", got, second, err)
		}
	})
}
