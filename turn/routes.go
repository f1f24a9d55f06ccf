package turn

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// routesAge is how long a list of the announced addresses is good for.
const routesAge = 10 * time.Second

// route is the way from an address that viewers are told to the media port.
type route struct {
	announced, local netip.AddrPort
	peer             *net.UDPAddr // announced, as the library wants it
}

// routes are the ways to Sluice's media port. An address of this machine leads
// to itself. One that is not, because it is that of a NAT in front of us, is
// reached inside the machine: few NATs send back what comes from behind them.
type routes struct {
	media     netip.AddrPort
	announced func() []netip.AddrPort

	mu     sync.Mutex
	listed time.Time
	list   []route
}

func newRoutes(media netip.AddrPort, announced func() []netip.AddrPort) *routes {
	return &routes{media: media, announced: announced}
}

// now returns the present routes.
func (r *routes) now() []route {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); r.list == nil || now.Sub(r.listed) > routesAge {
		r.listed, r.list = now, routesTo(r.media, r.announced(), ownAddresses())
	}
	return r.list
}

// leads says whether an address is one of the media port's.
func (r *routes) leads(peer netip.Addr) bool {
	for _, way := range r.now() {
		if way.announced.Addr() == peer {
			return true
		}
	}
	return false
}

// routesTo finds the ways for a media port bound to media. What comes back must
// tell which of the announced addresses was meant, so no two have the same way.
func routesTo(media netip.AddrPort, announced []netip.AddrPort, own map[netip.Addr]bool) []route {
	var list []route
	taken := make(map[netip.AddrPort]bool)
	for _, a := range announced {
		local := netip.AddrPortFrom(inside(media.Addr().Unmap(), a.Addr(), own), media.Port())
		if local.Addr().IsValid() && !taken[local] {
			taken[local] = true
			list = append(list, route{announced: a, local: local, peer: net.UDPAddrFromAddrPort(a)})
		}
	}
	return list
}

// inside returns the address of this machine that an announced one stands for;
// the zero value: there is none of its family.
func inside(bound, announced netip.Addr, own map[netip.Addr]bool) netip.Addr {
	switch {
	case !bound.IsUnspecified() && bound.Is4() == announced.Is4():
		return bound
	case !bound.IsUnspecified():
		return netip.Addr{}
	case own[announced]:
		return announced
	case announced.Is4():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
		return netip.IPv6Loopback()
	}
}

func ownAddresses() map[netip.Addr]bool {
	addrs, _ := net.InterfaceAddrs() // none: all are reached by loopback
	own := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		if prefix, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(prefix.IP); ok {
				own[ip.Unmap()] = true
			}
		}
	}
	return own
}
