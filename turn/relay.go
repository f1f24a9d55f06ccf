package turn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	pion "github.com/pion/turn/v5"

	"github.com/sluice-media/sluice/metrics"
)

// udpBuffer is the size in bytes asked of the kernel for the buffers of the
// socket that UDP clients share, relayBuffer for a relay's: room for an IDR.
const (
	udpBuffer   = 4 << 20
	relayBuffer = 1 << 20
)

var (
	errRefused = errors.New("not a peer that is relayed to")
	errNoTCP   = errors.New("relays are for UDP") // RFC 6062 is for other things than media
	errFamily  = errors.New("no address of that family is announced")
)

// relays makes the sockets that relay, and says to whom they may.
type relays struct {
	routes *routes
	peers  *peers
	series metrics.TURN
}

// Validate implements pion.RelayAddressGenerator.
func (g *relays) Validate() error { return nil }

// permit answers a client that asks whether it may send to a peer.
func (g *relays) permit(_ net.Addr, peer net.IP) bool {
	ip, _ := netip.AddrFromSlice(peer)
	if g.routes.leads(ip.Unmap()) || g.peers.allow(ip.Unmap()) {
		return true
	}
	g.series.Refused(refusedPeer)
	return false
}

// AllocatePacketConn implements pion.RelayAddressGenerator. The address that it
// returns, by which the client is known to its peers, is the first that is
// announced: Sluice itself learns of the true one by the first packet.
func (g *relays) AllocatePacketConn(c pion.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	ways := g.routes.now()
	i := slices.IndexFunc(ways, func(r route) bool { return r.announced.Addr().Is4() == (c.Network == "udp4") })
	if i < 0 {
		return nil, nil, fmt.Errorf("%s: %w", c.Network, errFamily)
	}
	// Bound to all addresses, so that one socket reaches the media port by each
	// of its own, and has that as its source.
	conn, err := net.ListenUDP(c.Network, &net.UDPAddr{Port: c.RequestedPort})
	if err != nil {
		return nil, nil, fmt.Errorf("open a relay: %w", err)
	}
	_ = conn.SetReadBuffer(relayBuffer) // what the kernel grants is enough to run
	announced := net.UDPAddrFromAddrPort(netip.AddrPortFrom(ways[i].announced.Addr(), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()))
	return &relay{UDPConn: conn, ways: ways, peers: g.peers, series: g.series}, announced, nil
}

// AllocateListener implements pion.RelayAddressGenerator.
func (g *relays) AllocateListener(pion.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCP
}

// AllocateConn implements pion.RelayAddressGenerator.
func (g *relays) AllocateConn(pion.AllocateConnConfig) (net.Conn, error) { return nil, errNoTCP }

// relay is the socket between one client and its peers. The client knows the
// media port by the addresses that are announced.
type relay struct {
	*net.UDPConn
	ways   []route
	peers  *peers
	series metrics.TURN
}

// WriteTo sends what came from the client. A permission is for all ports of an
// address (RFC 8656 §9); this is where those of our own are closed but one.
func (r *relay) WriteTo(p []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errRefused
	}
	peer := udp.AddrPort()
	peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	if i := slices.IndexFunc(r.ways, func(w route) bool { return w.announced == peer }); i >= 0 {
		peer = r.ways[i].local
	} else if !r.peers.allow(peer.Addr()) {
		return 0, errRefused
	}
	n, err := r.WriteToUDPAddrPort(p, peer)
	r.series.FromClients.Add(float64(n))
	return n, err
}

// ReadFrom returns what is for the client. What comes from elsewhere has lost
// its way.
func (r *relay) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.ReadFromUDPAddrPort(p)
		if errors.Is(err, net.ErrClosed) {
			return n, nil, err
		}
		if err != nil {
			continue // about one datagram, such as one that met a closed port
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if i := slices.IndexFunc(r.ways, func(w route) bool { return w.local == from }); i >= 0 {
			r.series.ToClients.Add(float64(n))
			return n, r.ways[i].peer, nil
		}
		if r.peers.allow(from.Addr()) {
			r.series.ToClients.Add(float64(n))
			return n, net.UDPAddrFromAddrPort(from), nil
		}
	}
}
