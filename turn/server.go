// Package turn relays the media of viewers whose networks let nothing else
// through (TURN, RFC 8656), over UDP, TCP and TLS.
//
// It leads to Sluice's own media port and nowhere else, unless more is allowed:
// credentials are given to whoever may watch, and a relay to anywhere would be
// a way into the network behind it.
//
// Goroutines: two for each listener, up to two for each connection and one for
// each relay, all of which Close ends.
package turn

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/logging"
	pion "github.com/pion/turn/v5"

	"github.com/sluice-media/sluice/metrics"
)

// realm is what the protocol wants to be told (RFC 8489 §9.2).
const realm = "sluice"

const (
	// permissionTime is how long a client may send to a peer before it has to
	// ask again (RFC 8656 §9).
	permissionTime = 5 * time.Minute
	// maxPacket is the largest message from a client.
	maxPacket = 1600
)

// Config says what a Server does. The zero value of a field means its default.
type Config struct {
	// UDP, TCP and TLS are where clients come in, each nil if it is not served.
	// The connections of TLS are *tls.Conn or have shaken hands already.
	UDP *net.UDPConn
	TCP net.Listener
	TLS net.Listener

	// Credentials are the ones that are taken; required.
	Credentials *Credentials

	// Media is the address that Sluice's media port is bound to; required.
	Media netip.AddrPort

	// Announced returns the addresses at which viewers are told to find Media;
	// required. It is called now and then, from any goroutine.
	Announced func() []netip.AddrPort

	// Peers are what may be relayed to beside Media. Private and other special
	// addresses are only meant by a prefix that lies within their range.
	Peers []netip.Prefix

	// MaxRelays bounds the relays of all clients together; default 10,000.
	MaxRelays int

	// PionLog takes the library's messages; required.
	PionLog logging.LoggerFactory

	// Metrics takes the counts; required.
	Metrics *metrics.Metrics
}

// Server is a TURN server.
type Server struct {
	server    *pion.Server
	listeners []*listener
}

// New serves. It takes over the sockets, also when it fails.
func New(c Config) (*Server, error) {
	series := c.Metrics.TURN()
	quota := newQuota(cmp.Or(c.MaxRelays, 10_000), series)
	config := pion.ServerConfig{
		Realm:             realm,
		AuthHandler:       c.Credentials.authenticator(series),
		QuotaHandler:      quota.admit,
		EventHandler:      pion.EventHandler{OnAllocationCreated: quota.created, OnAllocationDeleted: quota.deleted},
		PermissionTimeout: permissionTime,
		InboundMTU:        maxPacket,
		LoggerFactory:     c.PionLog,
		// Who asks for no family gets IPv4 (RFC 8656 §7.2), whatever it came over,
		// but from a server that has none that of its way here.
		StrictAddressFamily: slices.ContainsFunc(c.Announced(), func(a netip.AddrPort) bool { return a.Addr().Is4() }),
	}
	relays := &relays{routes: newRoutes(c.Media, c.Announced), peers: newPeers(c.Peers), series: series}
	if c.UDP != nil {
		// What the kernel grants is enough to run; more is better.
		_, _ = c.UDP.SetReadBuffer(udpBuffer), c.UDP.SetWriteBuffer(udpBuffer)
		config.PacketConnConfigs = []pion.PacketConnConfig{
			{PacketConn: c.UDP, RelayAddressGenerator: relays, PermissionHandler: relays.permit},
		}
	}
	s := &Server{}
	for _, l := range []net.Listener{c.TCP, c.TLS} {
		if l == nil {
			continue
		}
		bounded := bound(l, series)
		s.listeners = append(s.listeners, bounded)
		config.ListenerConfigs = append(config.ListenerConfigs,
			pion.ListenerConfig{Listener: bounded, RelayAddressGenerator: relays, PermissionHandler: relays.permit})
	}
	var err error
	if s.server, err = pion.NewServer(config); err != nil {
		if c.UDP != nil {
			_ = c.UDP.Close()
		}
		return nil, errors.Join(fmt.Errorf("start the TURN server: %w", err), s.Close())
	}
	return s, nil
}

// Close ends all relays and connections and waits for the latter.
func (s *Server) Close() error {
	var err error
	if s.server != nil {
		err = s.server.Close() // with it the listeners
	}
	for _, l := range s.listeners {
		err = errors.Join(err, l.Close())
	}
	return err
}
