package whip

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxCandidates is how many addresses of one peer are ever tried; a client
// with that many network interfaces is not one, and each costs STUN checks
// sent to a place that the client chose.
const maxCandidates = 50

// errUnusable is for a candidate that is well formed, and that we cannot or
// will not send checks to.
var errUnusable = errors.New("candidate cannot be used")

// candidateAddr returns the transport address of a candidate attribute
// "candidate:…" (RFC 8839 §5.1) if it is one we can send checks to: UDP, the
// component that RTP and RTCP share, an IP address of one host. Not names:
// mDNS names cannot be looked up from here, and others never need be.
func candidateAddr(candidate string) (netip.AddrPort, error) {
	var none netip.AddrPort
	value, ok := strings.CutPrefix(candidate, "candidate:")
	f := strings.Fields(value)
	if !ok || len(f) < 8 || f[6] != "typ" {
		return none, fmt.Errorf("%.80q is not a candidate", candidate)
	}
	component, err1 := strconv.ParseUint(f[1], 10, 16)
	_, err2 := strconv.ParseUint(f[3], 10, 32)
	port, err3 := strconv.ParseUint(f[5], 10, 16)
	if err := errors.Join(err1, err2, err3); err != nil {
		return none, fmt.Errorf("%.80q is not a candidate: %w", candidate, err)
	}
	ip, err := netip.ParseAddr(f[4])
	switch {
	case component != 1, !strings.EqualFold(f[2], "udp"), err != nil, ip.Zone() != "":
		return none, errUnusable
	case ip.IsUnspecified(), ip.IsMulticast(), ip.Unmap() == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return none, errUnusable
	case port < 1024:
		// No client binds one and no NAT maps to one (RFC 4787 §4.2.2), but
		// DNS, NTP and SNMP, good targets for a flood, are there.
		return none, errUnusable
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), nil
}
