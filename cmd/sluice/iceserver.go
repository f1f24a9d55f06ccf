package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sluice-media/sluice/turn"
	"github.com/sluice-media/sluice/whip"
)

// iceServer is a server of somebody else's that viewers may use, written
// stun:HOST:PORT, turn:HOST:PORT?transport=udp or, with what TURN wants,
// turn:USER:PASSWORD@HOST:PORT.
type iceServer struct {
	url            string
	user, password string
}

// errICEServer does not repeat what was written: there may be a password in it.
var errICEServer = errors.New("must be written stun:HOST:PORT, or turn:USER:PASSWORD@HOST:PORT?transport=tcp with udp or tcp, or with turns for TLS")

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *iceServer) UnmarshalText(text []byte) error {
	scheme, rest, ok := strings.Cut(string(text), ":")
	at := strings.LastIndexByte(rest, '@') // a password may have one
	address := rest[at+1:]
	if !ok || !addressPattern().MatchString(scheme+":"+address) {
		return errICEServer
	}
	*s = iceServer{url: scheme + ":" + address}
	if at >= 0 {
		var ok bool
		if s.user, s.password, ok = strings.Cut(rest[:at], ":"); !ok || s.user == "" || s.password == "" || scheme == "stun" {
			return errICEServer
		}
		if strings.ContainsAny(rest[:at], "\",;<>") {
			return errors.New(`must not have one of " , ; < > in its user or password: players split at them`)
		}
	}
	return nil
}

// addressPattern is that of RFC 7064 §3.1 and RFC 7065 §3.1, the schemes
// included.
func addressPattern() *regexp.Regexp {
	return regexp.MustCompile(`^(stuns?|turns?):([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?(\?transport=(udp|tcp))?$`)
}

// hostPattern is a name or an address, as a part of a URL without brackets.
func hostPattern() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9.:-]+$`) }

// iceCredentials are those that servers of somebody else's take.
func (o options) iceCredentials() *turn.Credentials { return turn.NewCredentials([]byte(o.ICESecret)) }

// server is what viewers are told, with credentials made of the secret that is
// shared with it if it has none.
func (s iceServer) server(shared *turn.Credentials) whip.ICEServer {
	made := whip.ICEServer{URL: s.url, Username: s.user, Credential: s.password}
	if strings.HasPrefix(s.url, "turn") && s.user == "" {
		made.Username, made.Credential = shared.Issue()
	}
	return made
}

// checkReach refuses settings of TURN and STUN that have no sense together.
func (o options) checkReach() error {
	for _, s := range o.ICEServer {
		if strings.HasPrefix(s.url, "turn") && s.user == "" && o.ICESecret == "" {
			return fmt.Errorf("--ice-server %s needs USER:PASSWORD@ before the host, or --ice-secret", s.url)
		}
	}
	for _, p := range o.TURNPeer {
		if p != p.Masked() {
			return fmt.Errorf("--turn-peer %s has bits beyond its prefix, do you mean %s?", p, p.Masked())
		}
	}
	switch {
	case o.TURNTLSAddr != "" && !o.named():
		return errors.New("--turn-tls-addr needs --tls-cert and --tls-key, or --acme-domain")
	case o.WebRTCSTUN != "" && len(o.WebRTCPublicIP) > 0:
		return errors.New("--webrtc-stun finds what --webrtc-public-ip says: give one of them")
	case o.TURNHost != "" && !hostPattern().MatchString(o.TURNHost):
		return fmt.Errorf("--turn-host must be a name or an address, not %q", o.TURNHost)
	}
	return nil
}
