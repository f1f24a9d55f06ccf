package turn

import (
	"net/netip"
	"testing"
)

func TestPeers(t *testing.T) {
	for _, c := range []struct {
		allowed string
		peer    string
		want    bool
	}{
		{"0.0.0.0/0", "198.51.100.1", true},
		{"0.0.0.0/0", "127.0.0.1", false},
		{"0.0.0.0/0", "10.1.2.3", false},
		{"0.0.0.0/0", "169.254.169.254", false},
		{"0.0.0.0/0", "0.0.0.0", false},
		{"0.0.0.0/0", "224.0.0.1", false},
		{"0.0.0.0/0", "255.255.255.255", false},
		{"8.0.0.0/6", "10.1.2.3", false}, // wider than the private range
		{"10.0.0.0/8", "10.1.2.3", true},
		{"10.1.0.0/16", "10.1.2.3", true},
		{"10.1.0.0/16", "10.2.2.3", false},
		{"127.0.0.1/32", "127.0.0.1", true},
		{"224.0.0.0/4", "224.0.0.1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "::1", false},
		{"::/0", "::", false},
		{"::/0", "fe80::1", false},
		{"::/0", "fd00::1", false},
		{"::/0", "ff02::1", false},
		{"::/0", "64:ff9b::a00:1", false}, // 10.0.0.1 through NAT64
		{"::/0", "198.51.100.1", false},
		{"fd00::/8", "fd00::1", true},
	} {
		p := newPeers([]netip.Prefix{netip.MustParsePrefix(c.allowed)})
		if got := p.allow(netip.MustParseAddr(c.peer)); got != c.want {
			t.Errorf("%s allows %s: %v, want %v", c.allowed, c.peer, got, c.want)
		}
	}
	if newPeers(nil).allow(netip.MustParseAddr("198.51.100.1")) {
		t.Error("without a prefix something is allowed")
	}
}
