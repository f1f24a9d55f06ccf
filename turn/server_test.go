package turn

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pion "github.com/pion/turn/v5"
)

// A viewer gets to the media port and back over each transport, by an address
// that is a NAT's and not this machine's.
func TestRelaysToMedia(t *testing.T) {
	https := httptest.NewTLSServer(nil) // for its certificate
	defer https.Close()
	w := newWorld(t, func(c *Config) { c.TLS = tls.NewListener(c.TLS, https.TLS) })
	for _, c := range []struct {
		name string
		over func() net.PacketConn
	}{
		{"UDP", func() net.PacketConn { return listenUDP(t) }},
		{"TCP", func() net.PacketConn { return dial(t, w.config.TCP.Addr(), nil) }},
		{"TLS", func() net.PacketConn { return dial(t, w.config.TLS.Addr(), &tls.Config{InsecureSkipVerify: true}) }}, //nolint:gosec // the test's own server
	} {
		t.Run(c.name, func(t *testing.T) {
			user, password := w.config.Credentials.Issue()
			relay, err := w.client(c.over(), user, password).Allocate()
			if err != nil {
				t.Fatal(err)
			}
			defer relay.Close()
			for range 3 { // by indications, then by a channel
				if !echoes(t, relay, w.media, patience) {
					t.Fatal("no echo")
				}
			}
			if host, _, _ := net.SplitHostPort(relay.LocalAddr().String()); host != nat.String() {
				t.Errorf("the relay is said to be at %s, want %s", host, nat)
			}
		})
	}
}

// A client over IPv6 gets a relay of either family, each of which reaches the media
// port by its address of that family (RFC 8656 §4.2).
func TestRelaysOverIPv6(t *testing.T) {
	over, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip("no IPv6 here:", err)
	}
	nat6 := netip.MustParseAddr("2001:db8::7")
	w := newWorld(t, func(c *Config) {
		_ = c.UDP.Close()
		c.UDP = over
		both := []netip.AddrPort{c.Announced()[0], netip.AddrPortFrom(nat6, c.Media.Port())}
		c.Announced = func() []netip.AddrPort { return both }
	})
	for family, announced := range map[pion.RequestedAddressFamily]netip.Addr{
		pion.RequestedAddressFamilyIPv4: nat, pion.RequestedAddressFamilyIPv6: nat6,
	} {
		t.Run(family.String(), func(t *testing.T) {
			from, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
			if err != nil {
				t.Fatal(err)
			}
			user, password := w.config.Credentials.Issue()
			c, err := pion.NewClient(&pion.ClientConfig{
				Conn: from, TURNServerAddr: over.LocalAddr().String(), RequestedAddressFamily: family,
				Username: user, Password: password, LoggerFactory: quiet(),
			})
			if err == nil {
				err = c.Listen()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer from.Close()
			defer c.Close()
			relay, err := c.Allocate()
			if err != nil {
				t.Fatal(err)
			}
			defer relay.Close()
			if host, _, _ := net.SplitHostPort(relay.LocalAddr().String()); host != announced.String() {
				t.Errorf("the relay is said to be at %s, want %s", host, announced)
			}
			if !echoes(t, relay, netip.AddrPortFrom(announced, w.media.Port()), patience) {
				t.Error("no echo")
			}
		})
	}
}

// Of several addresses each answers for itself.
func TestSeveralAddresses(t *testing.T) {
	own := netip.MustParseAddr("127.0.0.1")
	w := newWorld(t, nil)
	other := netip.AddrPortFrom(own, w.media.Port())
	for name, announced := range map[string][]netip.AddrPort{
		"own first":    {other, w.media},
		"shadowed NAT": {w.media, other},
	} {
		t.Run(name, func(t *testing.T) {
			list := routesTo(w.config.Media, announced, map[netip.Addr]bool{own: true})
			// 127.0.0.1 is what the NAT's address leads to, so only the first of
			// them is served.
			if len(list) != 1 || list[0].announced != announced[0] {
				t.Errorf("routes are %v, want one for %v", list, announced[0])
			}
		})
	}
}

// A relay leads to the media port and nowhere else.
func TestRefusesOtherPeers(t *testing.T) {
	w := newWorld(t, nil)
	user, password := w.config.Credentials.Issue()
	relay, err := w.client(listenUDP(t), user, password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	secret := listenUDP(t) // a service that only this machine can reach
	defer secret.Close()
	for _, peer := range []string{
		"127.0.0.1:53", "10.0.0.1:53", "169.254.169.254:80", "192.168.1.1:443", "224.0.0.1:5353", "8.8.8.8:53", "0.0.0.0:53",
		secret.LocalAddr().String(),
	} {
		if _, err := relay.WriteTo([]byte("let me in"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(peer))); err == nil {
			t.Errorf("%s is permitted", peer)
		}
	}
	if n := w.refused(refusedPeer); n < 8 {
		t.Errorf("%v refusals are counted, want 8", n)
	}
	// The address of the media port is permitted, its other ports lead nowhere.
	near := netip.AddrPortFrom(nat, secret.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	if echoes(t, relay, near, 100*time.Millisecond) {
		t.Error("another port of the announced address answers")
	}
	if err := secret.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := secret.ReadFrom(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes reached a port of this machine", n)
	}
	if !echoes(t, relay, w.media, patience) {
		t.Error("the media port does not answer any more")
	}
}

// What is allowed beside the media port is reached as it is.
func TestAllowedPeers(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Peers = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	user, password := w.config.Credentials.Issue()
	relay, err := w.client(listenUDP(t), user, password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	if !echoes(t, relay, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), echo(t).Port()), patience) {
		t.Error("an allowed peer cannot be reached")
	}
}

func TestCredentials(t *testing.T) {
	var passed atomic.Int64
	w := newWorld(t, func(c *Config) {
		c.Credentials.now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	})
	user, password := w.config.Credentials.Issue()
	if strings.ContainsAny(user+password, `,;"`) {
		t.Errorf("%s %s has a character that clients split at", user, password)
	}
	passed.Store(int64(credentialTime - time.Minute))
	relay, err := w.client(listenUDP(t), user, password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	passed.Store(int64(credentialTime + time.Minute))
	if !echoes(t, relay, w.media, patience) { // asks for a permission
		t.Error("a relay ends with its credential")
	}
	for name, c := range map[string][2]string{
		"expired":         {user, password},
		"another's":       {"9999999999:me", password},
		"of no scheme":    {"admin", "admin"},
		"wrong password":  {user, "guess"},
		"without expiry":  {":me", NewCredentials(nil).password(":me")},
		"another secret":  {"9999999999:me", NewCredentials([]byte("guess")).password("9999999999:me")},
		"without a colon": {"9999999999", "guess"},
	} {
		if relay, err := w.client(listenUDP(t), c[0], c[1]).Allocate(); err == nil {
			relay.Close()
			t.Errorf("%s: a relay is made", name)
		}
	}
	// The known answer of the scheme, by openssl dgst -sha1 -hmac north.
	if got, want := NewCredentials([]byte("north")).password("1433065916:sluice"), "OAKthiJdPRfrvHKNb3+cgmCmTvw="; got != want {
		t.Errorf("the password is %s, want %s", got, want)
	}
}

func TestQuota(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.MaxRelays = maxPerUser + 2 })
	user, password := w.config.Credentials.Issue()
	var first net.PacketConn
	for i := range maxPerUser {
		relay, err := w.client(listenUDP(t), user, password).Allocate()
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		defer relay.Close()
		if first == nil {
			first = relay
		}
	}
	another := func() (net.PacketConn, error) {
		return w.client(listenUDP(t), user, password).Allocate()
	}
	if relay, err := another(); err == nil {
		relay.Close()
		t.Error("a credential has no bound")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	relay, err := another()
	for deadline := time.Now().Add(patience); err != nil && time.Now().Before(deadline); {
		relay, err = another()
	}
	if err != nil {
		t.Fatalf("a relay that has ended still counts: %v", err)
	}
	defer relay.Close()
	for i := range 3 {
		user, password = w.config.Credentials.Issue()
		relay, err := another()
		if err == nil {
			defer relay.Close()
		}
		if fits := i < 2; fits != (err == nil) {
			t.Errorf("relay %d beyond those of one credential: %v", i, err)
		}
	}
	if w.refused(refusedUser) == 0 || w.refused(refusedTotal) != 1 {
		t.Errorf("refused are %v for the credential and %v in total", w.refused(refusedUser), w.refused(refusedTotal))
	}
}

// TCP is not relayed (RFC 6062): nobody needs it to watch.
func TestRefusesTCPRelays(t *testing.T) {
	w := newWorld(t, nil)
	user, password := w.config.Credentials.Issue()
	if relay, err := w.client(dial(t, w.config.TCP.Addr(), nil), user, password).AllocateTCP(); err == nil {
		relay.Close()
		t.Error("a relay for TCP is made")
	}
}

// dial connects a client, over TLS if it is configured.
func dial(t *testing.T, to net.Addr, config *tls.Config) net.PacketConn {
	t.Helper()
	conn, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		conn = tls.Client(conn, config)
	}
	return pion.NewSTUNConn(conn)
}
