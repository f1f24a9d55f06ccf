// Package limit bounds how often one address may do something.
//
// It is pure: no goroutine, no log, no socket; time comes in as an argument.
package limit

import "net/netip"

// Host is what limits count by: an IPv4 address, or the /64 that an IPv6
// customer has at least (RFC 6177 §2).
func Host(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if !addr.Is6() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}
