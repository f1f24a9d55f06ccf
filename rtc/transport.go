// Package rtc has what all WebRTC sessions share, of viewers and of publishers:
// the UDP port, the certificate, the settings, and the way an offer is answered.
//
// Goroutines: the one of pion's that reads the port, which Close ends.
package rtc

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"
)

const (
	// iceDisconnected and iceFailed: a peer that answers no check for their
	// sum is gone, within the 30 s for which consent lasts (RFC 7675 §5.1).
	iceDisconnected = 5 * time.Second
	iceFailed       = 20 * time.Second
	iceKeepalive    = 2 * time.Second
	// dtlsRetransmission replaces pion's 1 s, which a lost packet at the join
	// would show to the viewer (RFC 9147 §5.8.2 suggests less than that).
	dtlsRetransmission = 200 * time.Millisecond
)

// Config is what a Transport needs. The zero value of a field means its
// default.
type Config struct {
	// UDPAddr is the address of the one UDP port for all media; default
	// ":8189". With a specific address, that is the only candidate.
	UDPAddr string

	// PublicIPs are announced to peers instead of the host's own addresses:
	// what they reach a host behind 1:1 NAT by.
	PublicIPs []netip.Addr

	// Logger takes pion's messages, at debug level; default slog.Default().
	Logger *slog.Logger
}

// Transport makes the PeerConnections of all sessions from shared parts. Its
// methods may be called from any goroutine.
type Transport struct {
	settings    webrtc.SettingEngine
	mux         *udpMux
	certificate certificate
}

// Listen binds the UDP port.
func Listen(c Config) (*Transport, error) {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	settings, err := newSettings(c.Logger)
	if err != nil {
		return nil, err
	}
	udp, err := listenUDP(cmp.Or(c.UDPAddr, ":8189"))
	if err != nil {
		return nil, err
	}
	mux := newUDPMux(udp, slices.Clone(c.PublicIPs), pionLog{c.Logger}.NewLogger("ice"))
	return &Transport{settings: settings, mux: mux}, nil
}

// newSettings returns what all PeerConnections have in common.
func newSettings(log *slog.Logger) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: pionLog{log}}
	network, err := stdnet.NewNet() // one for all: each lists the host's interfaces
	if err != nil {
		return s, fmt.Errorf("list network interfaces: %w", err)
	}
	s.SetNet(network)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	s.DisableActiveTCP(true)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetDTLSInsecureSkipHelloVerify(true) // ICE has proved the address
	s.SetDTLSRetransmissionInterval(dtlsRetransmission)
	return s, nil
}

// UDPAddr returns the address that is bound.
func (t *Transport) UDPAddr() netip.AddrPort { return t.mux.local().AddrPort() }

// Close releases the port. Sessions that are still open lose it.
func (t *Transport) Close() error { return t.mux.Close() }
