// Package forwarded tells who an HTTP request comes from when there are
// reverse proxies in between.
//
// It is pure: no goroutine, no log, no clock.
package forwarded

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks whose hosts are believed what they say of the
// clients that they speak for. None are by default.
type Proxies []netip.Prefix

// Handler gives next requests whose RemoteAddr is the client's, with port 0
// where a proxy told it, and whose X-Forwarded headers (for, proto, host,
// prefix) are either of a trusted proxy or not there at all.
func (p Proxies) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, _ := netip.ParseAddrPort(r.RemoteAddr) // a Unix socket has none and is not trusted
		// A copy: the caller's request is not ours to change.
		r = r.Clone(r.Context())
		r.Header.Del("Forwarded") // RFC 7239, which nothing here reads
		if !p.trusts(peer.Addr()) {
			for name := range r.Header {
				if strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" {
					delete(r.Header, name)
				}
			}
			next.ServeHTTP(w, r)
			return
		}
		if client := p.client(r.Header.Values("X-Forwarded-For")); client.IsValid() {
			r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
		}
		next.ServeHTTP(w, r)
	})
}

func (p Proxies) trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// client returns the nearest address that is no trusted proxy's: each proxy
// appends whom it was asked by, and what stands before the first that is not
// trusted may be invented. It is invalid where there is none.
func (p Proxies) client(fields []string) netip.Addr {
	var client netip.Addr
	hops := strings.Split(strings.Join(fields, ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr, ok := parse(strings.TrimSpace(hop))
		if !ok {
			return client
		}
		if client = addr; !p.trusts(addr) {
			return client
		}
	}
	return client
}

// parse reads an address, with the port that some proxies add.
func parse(hop string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.Trim(hop, "[]"))
	return addr.Unmap().WithZone(""), err == nil
}
