package rtc

import (
	"net"

	"github.com/pion/transport/v4"
)

// announcedNet is the host's network as far as pion looks for TCP candidates in
// it: one interface with the addresses that are announced for UDP, so that both
// are the same. What it looks for UDP candidates in is the mux.
type announcedNet struct {
	transport.Net
	mux *udpMux
}

// Interfaces implements transport.Net.
func (n announcedNet) Interfaces() ([]*transport.Interface, error) {
	i := transport.NewInterface(net.Interface{Index: 1, Name: "announced", Flags: net.FlagUp})
	for _, a := range n.mux.GetListenAddresses() {
		ip := a.(*net.UDPAddr).IP
		i.AddAddress(&net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
	}
	return []*transport.Interface{i}, nil
}
