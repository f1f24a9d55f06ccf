package rtc

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
)

// udpBuffer is the size in bytes asked of the kernel for the socket's two
// buffers: room for an IDR of a few hundred packets to a few hundred viewers.
// The kernel grants less where net.core.wmem_max says so.
const udpBuffer = 4 << 20

// udpConn is the one UDP socket that all sessions share.
type udpConn struct {
	*net.UDPConn
	calls     *udpCalls
	reporters *reporters
}

func listenUDP(addr string) (udpConn, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return udpConn{}, err
	}
	conn, err := net.ListenUDP("udp", a)
	if err != nil {
		return udpConn{}, err
	}
	// What the kernel grants is enough to run; more is better.
	_ = conn.SetReadBuffer(udpBuffer)
	_ = conn.SetWriteBuffer(udpBuffer)
	calls, err := newUDPCalls(conn)
	if err != nil {
		return udpConn{}, errors.Join(err, conn.Close())
	}
	return udpConn{conn, calls, newReporters()}, nil
}

// SetWriteDeadline does nothing. pion/ice 4.4 sets a deadline in the past when
// a peer leaves, to abort its writes; on a shared socket that loses the
// packets of all others. UDP writes don't block for long enough to need it.
func (udpConn) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline is overridden for the same reason.
func (c udpConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// ReadFromAddrPort implements ice.AddrPortReaderWriter. An error about one
// datagram, such as one that a route's ICMP message left behind, is not the
// end of the socket: pion's reader would take it for that. What peers report
// does not get so far.
func (c udpConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, addr, err := c.calls.read(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return 0, addr, err
		case err == nil && !c.reporters.take(b[:n], addr):
			return n, addr, nil
		}
	}
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (c udpConn) WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	return c.calls.write(b, addr)
}

// addressAge is how long a list of the host's addresses is good for.
const addressAge = 10 * time.Second

// udpMux serves every session's ICE agent on one socket and says which
// addresses they announce as host candidates.
type udpMux struct {
	*ice.UDPMuxDefault
	conn   udpConn
	public []netip.Addr

	// guarded by mu
	mu     sync.Mutex
	listed time.Time
	hosts  []net.Addr
}

func newUDPMux(conn udpConn, public []netip.Addr, log logging.LeveledLogger) *udpMux {
	return &udpMux{
		UDPMuxDefault: ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: log}),
		conn:          conn,
		public:        public,
	}
}

func (m *udpMux) local() *net.UDPAddr { return m.conn.LocalAddr().(*net.UDPAddr) }

// GetConn implements ice.UDPMux. addr is one of GetListenAddresses and chooses
// the address family; the mux itself insists on its own address when it is
// bound to one.
func (m *udpMux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	if local := m.local(); !local.IP.IsUnspecified() {
		addr = local
	}
	return m.UDPMuxDefault.GetConn(ufrag, addr)
}

// GetListenAddresses implements ice.UDPMux: the configured public addresses,
// else the address bound to, else those of all interfaces, IPv4 first; the
// loopback ones only where there is no other.
func (m *udpMux) GetListenAddresses() []net.Addr {
	local := m.local()
	switch {
	case len(m.public) > 0:
		list := make([]net.Addr, len(m.public))
		for i, ip := range m.public {
			list[i] = &net.UDPAddr{IP: ip.AsSlice(), Port: local.Port}
		}
		return list
	case !local.IP.IsUnspecified():
		return []net.Addr{local}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.hosts == nil || now.Sub(m.listed) > addressAge {
		m.listed, m.hosts = now, hostAddresses(local.Port, local.IP.To4() == nil)
	}
	return m.hosts
}

func hostAddresses(port int, ipv6 bool) []net.Addr {
	addrs, _ := net.InterfaceAddrs() // none: no candidates, and the join says so
	var v4, v6, loopback []net.Addr
	for _, a := range addrs {
		prefix, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		udp := &net.UDPAddr{IP: prefix.IP, Port: port}
		switch is4 := prefix.IP.To4() != nil; {
		case prefix.IP.IsLinkLocalUnicast(), !is4 && !ipv6:
		case prefix.IP.IsLoopback():
			loopback = append(loopback, udp)
		case is4:
			v4 = append(v4, udp)
		default:
			v6 = append(v6, udp)
		}
	}
	if list := append(v4, v6...); len(list) > 0 {
		return list
	}
	return loopback
}
