package limit

import (
	"net/netip"
	"testing"
)

func TestCrowd(t *testing.T) {
	c := NewCrowd(3, 2)
	a, neighbour := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2") // of the same /64
	b, d := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i, step := range []struct {
		addr netip.Addr
		want bool
	}{{a, true}, {neighbour, true}, {a, false}, {b, true}, {d, false}} {
		if got := c.Enter(step.addr); got != step.want {
			t.Errorf("%d: %s enters: %v", i, step.addr, got)
		}
	}
	c.Leave(neighbour)
	if !c.Enter(d) {
		t.Error("nobody enters where one has left")
	}
	c.Leave(a)
	c.Leave(b)
	c.Leave(d)
	if len(c.hosts) != 0 || c.total != 0 {
		t.Errorf("%d of %d hosts are left", c.total, len(c.hosts))
	}
}
