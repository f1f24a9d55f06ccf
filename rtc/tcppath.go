package rtc

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
)

const (
	// maxPathConns bounds the connections of one ICE agent: a browser makes one
	// for each of its networks.
	maxPathConns = 8
	// pathPackets is how many packets may wait for the agent; more are lost, as
	// they may be on their way.
	pathPackets = 64
)

// tcpPath is the ICE agent's end of its TCP connections: one candidate.
type tcpPath struct {
	local *net.TCPAddr
	route *route // of the session
	in    chan tcpPacket
	done  chan struct{}

	// guarded by mu
	mu     sync.Mutex
	closed bool
	conns  map[netip.AddrPort]*tcpConn
}

type tcpPacket struct {
	data []byte
	from netip.AddrPort
}

func newTCPPath(local *net.TCPAddr, route *route) *tcpPath {
	return &tcpPath{
		local: local, route: route, in: make(chan tcpPacket, pathPackets), done: make(chan struct{}),
		conns: make(map[netip.AddrPort]*tcpConn),
	}
}

// add takes a connection in; false: there is no room for it.
func (p *tcpPath) add(c *tcpConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.conns) >= maxPathConns {
		return false
	}
	p.conns[c.remote] = c
	return true
}

// remove ends a connection.
func (p *tcpPath) remove(c *tcpConn) {
	p.mu.Lock()
	delete(p.conns, c.remote)
	p.mu.Unlock()
	c.close()
}

// deliver gives a packet to the agent.
func (p *tcpPath) deliver(packet []byte, from netip.AddrPort) {
	select {
	case p.in <- tcpPacket{packet, from}:
	default:
	}
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (p *tcpPath) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case packet := <-p.in:
		return copy(b, packet.data), packet.from, nil
	case <-p.done:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// to returns the connection of an address; nil: there is none.
func (p *tcpPath) to(addr netip.AddrPort) *tcpConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns[addr]
}

func (p *tcpPath) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (p *tcpPath) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	c := p.to(to)
	if c == nil {
		return 0, net.ErrClosed
	}
	return c.write(b)
}

// ReadFrom implements net.PacketConn.
func (p *tcpPath) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.ReadFromAddrPort(b)
	return n, net.TCPAddrFromAddrPort(from), err
}

// WriteTo implements net.PacketConn.
func (p *tcpPath) WriteTo(b []byte, to net.Addr) (int, error) {
	return p.WriteToAddrPort(b, addrPortOf(to))
}

// Close ends the path and its connections.
func (p *tcpPath) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	close(p.done)
	for _, c := range p.conns {
		c.close()
	}
	return nil
}

// LocalAddr implements net.PacketConn.
func (p *tcpPath) LocalAddr() net.Addr { return p.local }

// The agent sets deadlines only to end what Close ends.

// SetDeadline implements net.PacketConn.
func (p *tcpPath) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.PacketConn.
func (p *tcpPath) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.PacketConn.
func (p *tcpPath) SetWriteDeadline(time.Time) error { return nil }

var _ ice.AddrPortReaderWriter = (*tcpPath)(nil)
