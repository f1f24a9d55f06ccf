package rtc

import (
	"net"
	"testing"
)

// Bound to no address in particular, a server announces the host's own.
func TestHostAddresses(t *testing.T) {
	for _, ipv6 := range []bool{true, false} {
		addrs := hostAddresses(8189, ipv6)
		if len(addrs) == 0 {
			t.Fatal("no address")
		}
		for _, a := range addrs {
			udp, ok := a.(*net.UDPAddr)
			if !ok || udp.Port != 8189 || udp.IP.IsUnspecified() || udp.IP.IsLinkLocalUnicast() ||
				!ipv6 && udp.IP.To4() == nil {
				t.Errorf("announces %v", a)
			}
		}
	}
}
