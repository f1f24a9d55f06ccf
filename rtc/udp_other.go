//go:build !linux

package rtc

import (
	"net"
	"net/netip"
)

// udpCalls are the system calls on a socket.
type udpCalls struct{ conn *net.UDPConn }

func newUDPCalls(conn *net.UDPConn) (*udpCalls, error) { return &udpCalls{conn}, nil }

func (c *udpCalls) read(b []byte) (int, netip.AddrPort, error) { return c.conn.ReadFromUDPAddrPort(b) }

func (c *udpCalls) write(b []byte, to netip.AddrPort) (int, error) {
	return c.conn.WriteToUDPAddrPort(b, to)
}
