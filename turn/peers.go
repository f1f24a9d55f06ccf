package turn

import (
	"net/netip"
	"slices"
)

// peers says which addresses may be relayed to.
type peers struct{ allowed, special []netip.Prefix }

// newPeers takes what was allowed. There are special ranges that a wider prefix
// does not mean: whoever allows 0.0.0.0/0 allows the internet, not this machine
// and its neighbours. They are allowed by a prefix that lies within them.
func newPeers(allowed []netip.Prefix) *peers {
	p := &peers{allowed: slices.Clone(allowed)}
	for _, s := range []string{
		"0.0.0.0/8", "::/127", // this machine
		"127.0.0.0/8",
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", // private, RFC 1918 and 4193
		"100.64.0.0/10",               // shared by a carrier's customers, RFC 6598
		"169.254.0.0/16", "fe80::/10", // link-local, and the metadata of clouds
		"198.18.0.0/15",             // benchmarks, RFC 2544
		"64:ff9b::/96", "2002::/16", // IPv4 in another dress, RFC 6052 and 3056
	} {
		p.special = append(p.special, netip.MustParsePrefix(s))
	}
	return p
}

// allow says whether an address may be relayed to.
func (p *peers) allow(peer netip.Addr) bool {
	if peer.IsMulticast() || peer == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	return slices.ContainsFunc(p.allowed, func(a netip.Prefix) bool {
		return a.Contains(peer) && !slices.ContainsFunc(p.special, func(s netip.Prefix) bool {
			return s.Contains(peer) && (a.Bits() < s.Bits() || !s.Contains(a.Addr()))
		})
	})
}
