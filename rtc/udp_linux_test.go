package rtc

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
)

// What came at once is read one by one, with where it is from, in both address
// families; the end of the socket is net.ErrClosed.
func TestReceive(t *testing.T) {
	for name, addrs := range map[string]struct{ bound, to string }{
		"IPv4":       {"127.0.0.1:0", "127.0.0.1"},
		"IPv6":       {"[::1]:0", "::1"},
		"dual stack": {":0", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := listenUDP(addrs.bound)
			if err != nil {
				t.Skip(err)
			}
			defer conn.Close()
			to := netip.AddrPortFrom(netip.MustParseAddr(addrs.to), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
			peer, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			from := peer.LocalAddr().(*net.UDPAddr).AddrPort()
			sizes := []int{0, 1, 1200, receiveBytes}
			for i := range 2*receiveMessages + 1 {
				if _, err := peer.Write(bytes.Repeat([]byte{byte(i)}, sizes[i%len(sizes)])); err != nil {
					t.Fatal(err)
				}
			}
			buf := make([]byte, receiveBytes)
			for i := range 2*receiveMessages + 1 {
				n, addr, err := conn.ReadFromAddrPort(buf)
				if err != nil {
					t.Fatal(err)
				}
				if want := bytes.Repeat([]byte{byte(i)}, sizes[i%len(sizes)]); !bytes.Equal(buf[:n], want) {
					t.Errorf("packet %d: %d bytes, want %d", i, n, len(want))
				}
				if got := netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()); got != netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) {
					t.Errorf("from %s, want %s", got, from)
				}
				if _, err := conn.WriteToAddrPort([]byte("answer"), addr); err != nil {
					t.Fatal(err)
				}
				if n, err := peer.Read(buf); err != nil || string(buf[:n]) != "answer" {
					t.Fatalf("answered %q, %v", buf[:n], err)
				}
			}
			conn.Close()
			if _, _, err := conn.ReadFromAddrPort(buf); !errors.Is(err, net.ErrClosed) {
				t.Errorf("read from a closed socket: %v", err)
			}
		})
	}
}
