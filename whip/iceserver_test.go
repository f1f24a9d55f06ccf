package whip

import (
	"context"
	"regexp"
	"slices"
	"testing"
)

func TestICEServers(t *testing.T) {
	s := newSite(t)
	s.handler.iceServers = func(v Visit) []ICEServer {
		if v.Stream != "live/cam" {
			t.Errorf("asked for %q", v.Stream)
		}
		return []ICEServer{
			{URL: "stun:192.0.2.1:3478"},
			{URL: "turn:192.0.2.1:3478?transport=udp", Username: "1:u", Credential: "c+/="},
			{URL: "turn:192.0.2.1:3478", Username: `a"b`, Credential: "c"}, // no client could read it
		}
	}
	want := []string{
		`<stun:192.0.2.1:3478>; rel="ice-server"`,
		`<turn:192.0.2.1:3478?transport=udp>; rel="ice-server"; username="1:u"; credential="c+/="; credential-type="password"`,
	}
	plain := request{method: "OPTIONS", path: endpoint}
	_, joined := s.join(t)
	links := joined.header.Values("Link")
	if len(links) != 3 || !slices.Equal(links[:2], want) {
		t.Errorf("A2.22 Link of the 201: %q", links)
	}
	// The expression by which reader.js finds them.
	if !regexp.MustCompile(`^<(.+?)>; rel="ice-server"(; username="(.*?)"; credential="(.*?)"; credential-type="password")?`).MatchString(links[1]) {
		t.Errorf("A2.22 reader.js does not find %q", links[1])
	}
	if got := s.do(t, plain).header.Values("Link"); !slices.Equal(got, want) {
		t.Errorf("A2.22 Link of OPTIONS: %q", got)
	}
	if got := s.do(t, plain.with("Access-Control-Request-Method", "POST")).header.Values("Link"); got != nil {
		t.Errorf("A2.22 Link of a preflight: %q", got)
	}
	s.handler.known = func(context.Context, Visit, []string) []string { return nil }
	if got := s.do(t, plain).header.Values("Link"); got != nil {
		t.Errorf("A2.22 Link of OPTIONS without a token: %q", got)
	}
}
