package rtc

import (
	"net"
	"net/netip"
	"testing"

	"github.com/pion/stun/v4"
)

// The address is what the server saw, whatever else comes in, and a lost
// request is repeated.
func TestDiscover(t *testing.T) {
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	public := netip.MustParseAddrPort("203.0.113.9:7")
	go func() {
		b := make([]byte, 1500)
		for i := 0; ; i++ {
			n, from, err := server.ReadFromUDP(b)
			if err != nil {
				return
			}
			request := &stun.Message{Raw: b[:n]}
			if i == 0 || request.Decode() != nil {
				continue // it is lost
			}
			mapped := &stun.XORMappedAddress{IP: net.IPv4(192, 0, 2, 66), Port: 1}
			forged, _ := stun.Build(stun.TransactionID, stun.BindingSuccess, mapped)
			_, _ = server.WriteToUDP(forged.Raw, from)
			mapped.IP, mapped.Port = net.IP(public.Addr().AsSlice()), int(public.Port())
			answer, _ := stun.Build(stun.NewTransactionIDSetter(request.TransactionID), stun.BindingSuccess, mapped)
			_, _ = server.WriteToUDP([]byte("noise"), from)
			_, _ = server.WriteToUDP(answer.Raw, from)
		}
	}()
	seen, err := Discover(t.Context(), "127.0.0.1:0", server.LocalAddr().String())
	if err != nil || len(seen) != 1 || seen[0].Public != public || seen[0].Local.Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("seen as %v, %v", seen, err)
	}
}
