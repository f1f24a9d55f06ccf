package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/turn"
	"github.com/sluice-media/sluice/whip"
)

func TestICEServer(t *testing.T) {
	for _, c := range []struct{ text, url, user, password string }{
		{"stun:stun.example.com:19302", "stun:stun.example.com:19302", "", ""},
		{"stun:[2001:db8::1]:3478", "stun:[2001:db8::1]:3478", "", ""},
		{"turn:turn.example.com", "turn:turn.example.com", "", ""},
		{"turn:me:se:c@ret@192.0.2.1:3478?transport=tcp", "turn:192.0.2.1:3478?transport=tcp", "me", "se:c@ret"},
		{"turns:me:secret@turn.example.com:443", "turns:turn.example.com:443", "me", "secret"},
	} {
		var s iceServer
		if err := s.UnmarshalText([]byte(c.text)); err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if s.url != c.url || s.user != c.user || s.password != c.password {
			t.Errorf("%s: %+v", c.text, s)
		}
	}
	for _, text := range []string{
		"", "turn.example.com:3478", "http://turn.example.com", "turn:", "turn:me@h:1", "turn:me:@h:1", "turn::p@h:1",
		"stun:me:p@h:1", "turn:h:1?transport=sctp", "turn:h:1, turn:i:2", `turn:me:a"b@h:1`, "turn:h:123456", "turn:a b:1",
	} {
		var s iceServer
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %+v", text, s)
		} else if strings.Contains(err.Error(), `a"b`) {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
}

// Viewers are told of TURN where they found the page, on the ports that are
// bound, with credentials of their own; of others' servers with what was given.
func TestICEServersOfARequest(t *testing.T) {
	g := &gateway{turn: turn.NewCredentials(nil), turnPorts: turnPorts{udp: 3478, tcp: 3479, tls: 443}}
	g.opts.ICEServer = []iceServer{{url: "stun:stun.example.com:1"}, {url: "turn:turn.example.com", user: "me", password: "secret"}, {url: "turn:coturn.example.com"}}
	g.opts.ICESecret = "shared"
	ask := func(host string) (urls []string, users map[string]bool) {
		users = map[string]bool{}
		for _, s := range g.iceServers(whip.Visit{Host: host}) {
			urls = append(urls, s.URL)
			users[s.Username] = true
		}
		return urls, users
	}
	const others = "stun:stun.example.com:1 turn:turn.example.com turn:coturn.example.com"
	for host, want := range map[string]string{
		"sluice.example.com:8080": others + " turn:sluice.example.com:3478?transport=udp turn:sluice.example.com:3479?transport=tcp turns:sluice.example.com:443?transport=tcp",
		"[2001:db8::1]:8080":      others + " turn:[2001:db8::1]:3478?transport=udp turn:[2001:db8::1]:3479?transport=tcp turns:[2001:db8::1]:443?transport=tcp",
		"evil\"<>":                others,
	} {
		if got, _ := ask(host); strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
	_, first := ask("a")
	if _, second := ask("a"); len(first) != 4 || len(second) != 4 {
		t.Errorf("users %v, then %v", first, second)
	}
}

// TURN is served, on ports that the log tells, and is a STUN server for another
// Sluice that looks for its public address.
func TestTURNAndSTUN(t *testing.T) {
	first := startGateway(t, "--video-only", "--turn-addr=127.0.0.1:0")
	ports := regexp.MustCompile(`:(\d+)\?transport=udp`).FindStringSubmatch(first.ready.TURN)
	if ports == nil {
		t.Fatalf("TURN is at %q", first.ready.TURN)
	}
	second := startGateway(t, "--video-only", "--webrtc-stun=127.0.0.1:"+ports[1])
	for _, g := range []*gatewayInTest{first, second} {
		g.stop()
		if code := g.exitCode(); code != exitOK {
			t.Errorf("exit code %d", code)
		}
	}
}

// HTTPS and TURN over TLS share a port if they are given the same.
func TestSharedPort(t *testing.T) {
	cert, key := rtmptest.WriteCertificate(t, t.TempDir(), 1)
	g := startGateway(t, "--video-only", "--https-addr=127.0.0.1:0", "--turn-tls-addr=127.0.0.1:0", "--tls-cert="+cert, "--tls-key="+key)
	resp, err := request(t, http.MethodGet, g.ready.Page)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Proto != "HTTP/2.0" {
		t.Errorf("the page: %+v, %v", resp, err)
	}
	at := strings.Trim(strings.TrimPrefix(g.ready.Page, "https://"), "/")
	if _, port, _ := net.SplitHostPort(at); !strings.Contains(g.ready.TURN, ":"+port+"?transport=tcp") {
		t.Errorf("the page is at %s, TURN at %s", at, g.ready.TURN)
	}
	conn, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	binding := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, "transaction!"...)
	if _, err := conn.Write(binding); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	answer := make([]byte, 20)
	if _, err := io.ReadFull(conn, answer); err != nil || !bytes.Equal(answer[:2], []byte{1, 1}) || !bytes.Equal(answer[8:], binding[8:]) {
		t.Errorf("STUN is answered by %x, %v", answer, err)
	}
	g.stop()
	if code := g.exitCode(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestSTUNThatDoesNotAnswer(t *testing.T) {
	var said bytes.Buffer
	if code := run(t.Context(), flags("--video-only", "--webrtc-stun="+take(t, "udp")), io.Discard, &said); code != exitFailure {
		t.Errorf("exit code %d", code)
	}
	if want := "say --webrtc-public-ip instead"; !strings.Contains(said.String(), want) {
		t.Errorf("says %s, want %q in it", &said, want)
	}
}

func TestReachMistakes(t *testing.T) {
	for flags, want := range map[string]string{
		"--turn-tls-addr=:5349":                          "--turn-tls-addr needs --tls-cert",
		"--turn-addr=3478":                               "--turn-addr must be HOST:PORT",
		"--turn-host=https://example.com":                "--turn-host must be a name",
		"--turn-peer=10.0.0.1/8":                         "do you mean 10.0.0.0/8?",
		"--turn-peer=example.com":                        "--turn-peer",
		"--ice-server=turn:example.com":                  "needs USER:PASSWORD@",
		"--ice-server=example.com":                       "--ice-server",
		"--webrtc-tcp-addr=on":                           "--webrtc-tcp-addr must be",
		"--webrtc-stun=stun.example.com":                 "--webrtc-stun must be",
		"--webrtc-stun=a:1 --webrtc-public-ip=192.0.2.1": "give one of them",
	} {
		var said bytes.Buffer
		if code := run(t.Context(), strings.Fields(flags), &said, &said); code != exitUsage || !strings.Contains(said.String(), want) {
			t.Errorf("%s: %d %s, want %q", flags, code, &said, want)
		}
	}
}

func TestTCPAddr(t *testing.T) {
	for given, want := range map[string]string{"": ":8189", "off": "", ":443": ":443"} {
		if got := (options{WebRTCUDPAddr: ":8189", WebRTCTCPAddr: given}).tcpAddr(); got != want {
			t.Errorf("%q means %q, want %q", given, got, want)
		}
	}
}
