// Package rtc has what all WebRTC sessions share, of viewers and of publishers:
// the UDP port, the TCP port, the certificate, the settings, and the way an offer
// is answered.
//
// Goroutines: the one of pion's that reads the UDP port, one that accepts TCP
// connections and two for each of them, all of which Close ends.
package rtc

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
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
	// replayWindow is how many packets late a repetition may come from a
	// publisher: 400 ms of 25 Mbit/s. pion's own is 64.
	replayWindow = 1024
)

// Config is what a Transport needs. The zero value of a field means its
// default.
type Config struct {
	// UDPAddr is the address of the one UDP port for all media; default
	// ":8189". With a specific address, that is the only candidate.
	UDPAddr string

	// TCPAddr is the address of the one TCP port for peers that UDP does not
	// reach (RFC 6544); empty: there is none. The same addresses are announced as
	// for UDP.
	TCPAddr string

	// PublicIPs are announced to peers instead of the host's own addresses:
	// what they reach a host behind 1:1 NAT by.
	PublicIPs []netip.Addr

	// Lite leaves all connectivity checks to the peers (RFC 8445 §2.5), which
	// have to reach one of the addresses announced.
	Lite bool

	// Logger takes pion's messages, at debug level; default slog.Default().
	Logger *slog.Logger
}

// Transport makes the PeerConnections of all sessions from shared parts. Its
// methods may be called from any goroutine.
type Transport struct {
	settings    webrtc.SettingEngine
	mux         *udpMux
	tcp         *tcpMux // nil: there is none
	certificate certificate
}

// BindError tells which address could not be bound.
type BindError struct {
	Network, Addr string // "udp" or "tcp"
	Err           error
}

func (e *BindError) Error() string {
	return fmt.Sprintf("listen on %s address %q: %s", strings.ToUpper(e.Network), e.Addr, e.Err)
}

func (e *BindError) Unwrap() error { return e.Err }

// Listen binds the UDP port and the TCP port. It may fail with a BindError.
func Listen(c Config) (*Transport, error) {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.UDPAddr = cmp.Or(c.UDPAddr, ":8189")
	network, err := stdnet.NewNet() // one for all: each lists the host's interfaces
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	udp, err := listenUDP(c.UDPAddr)
	if err != nil {
		return nil, &BindError{"udp", c.UDPAddr, err}
	}
	t := &Transport{mux: newUDPMux(udp, slices.Clone(c.PublicIPs), Log(c.Logger).NewLogger("ice"))}
	t.settings = newSettings(c.Logger, c.Lite)
	t.settings.SetNet(announcedNet{network, t.mux})
	t.settings.SetICEUDPMux(t.mux)
	if c.TCPAddr == "" {
		return t, nil
	}
	l, err := net.Listen("tcp", c.TCPAddr)
	if err != nil {
		return nil, errors.Join(&BindError{"tcp", c.TCPAddr, err}, t.mux.Close())
	}
	t.tcp = newTCPMux(l, Log(c.Logger).NewLogger("ice-tcp"))
	return t, nil
}

// newSettings returns what all PeerConnections have in common.
func newSettings(log *slog.Logger, lite bool) webrtc.SettingEngine {
	s := webrtc.SettingEngine{LoggerFactory: Log(log)}
	s.SetNetworkTypes([]webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6,
	})
	s.SetIncludeLoopbackCandidate(true) // where it is what is announced
	s.SetLite(lite)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	s.DisableActiveTCP(true)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetDTLSInsecureSkipHelloVerify(true) // ICE has proved the address
	s.SetDTLSRetransmissionInterval(dtlsRetransmission)
	s.SetSRTPReplayProtectionWindow(replayWindow)
	return s
}

// UDPAddr returns the UDP address that is bound.
func (t *Transport) UDPAddr() netip.AddrPort { return t.mux.local().AddrPort() }

// TCPAddr returns the TCP address that is bound; the zero value: there is none.
func (t *Transport) TCPAddr() netip.AddrPort {
	if t.tcp == nil {
		return netip.AddrPort{}
	}
	return t.tcp.local().AddrPort()
}

// Announced returns the UDP addresses at which peers are told to find us.
func (t *Transport) Announced() []netip.AddrPort {
	var list []netip.AddrPort
	for _, a := range t.mux.GetListenAddresses() {
		ap := a.(*net.UDPAddr).AddrPort()
		list = append(list, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
	}
	return list
}

// Close releases the ports. Sessions that are still open lose them.
func (t *Transport) Close() error {
	err := t.mux.Close()
	if t.tcp != nil {
		err = errors.Join(err, t.tcp.Close())
	}
	return err
}
