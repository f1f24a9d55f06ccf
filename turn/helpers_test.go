package turn

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/logging"
	pion "github.com/pion/turn/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/metrics"
)

// patience bounds what takes milliseconds.
const patience = 10 * time.Second

// nat is the address of a NAT in front of the server, which nobody has
// (RFC 5737).
var nat = netip.MustParseAddr("203.0.113.7")

// world is a server with a media port behind it that echoes.
type world struct {
	tb       testing.TB
	config   Config
	registry *prometheus.Registry
	media    netip.AddrPort // as announced
}

func newWorld(tb testing.TB, change func(*Config)) *world {
	tb.Helper()
	w := &world{tb: tb, registry: prometheus.NewRegistry()}
	bound := echo(tb)
	w.media = netip.AddrPortFrom(nat, bound.Port())
	w.config = Config{
		UDP: listenUDP(tb), TCP: listenTCP(tb), TLS: listenTCP(tb),
		Credentials: NewCredentials(nil),
		Media:       bound,
		Announced:   func() []netip.AddrPort { return []netip.AddrPort{w.media} },
		PionLog:     quiet(),
		Metrics:     metrics.New(w.registry),
	}
	if change != nil {
		change(&w.config)
	}
	s, err := New(w.config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return w
}

// echo opens a port that sends back what it gets, and returns its address.
func echo(tb testing.TB) netip.AddrPort {
	tb.Helper()
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// refused returns how often clients were refused for a reason.
func (w *world) refused(reason string) float64 {
	w.tb.Helper()
	return counterOf(w.tb, w.registry, reason)
}

func listenUDP(tb testing.TB) *net.UDPConn {
	tb.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func listenTCP(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func quiet() logging.LoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	return f
}

// client is one over a connection, with a user's credential.
func (w *world) client(over net.PacketConn, user, password string) *pion.Client {
	w.tb.Helper()
	c, err := pion.NewClient(&pion.ClientConfig{
		Conn: over, TURNServerAddr: w.config.UDP.LocalAddr().String(),
		Username: user, Password: password, LoggerFactory: quiet(),
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		w.tb.Fatal(err)
	}
	w.tb.Cleanup(func() {
		c.Close()
		over.Close()
	})
	return c
}

// echoes sends a packet to a peer and says whether it comes back, from where it
// was sent to.
func echoes(tb testing.TB, relay net.PacketConn, peer netip.AddrPort, wait time.Duration) bool {
	tb.Helper()
	if _, err := relay.WriteTo([]byte("there and back"), net.UDPAddrFromAddrPort(peer)); err != nil {
		return false
	}
	if err := relay.SetReadDeadline(time.Now().Add(wait)); err != nil {
		tb.Fatal(err)
	}
	b := make([]byte, 100)
	n, from, err := relay.ReadFrom(b)
	if err != nil {
		return false
	}
	if from.String() != peer.String() || string(b[:n]) != "there and back" {
		tb.Errorf("%q came from %s, want the echo of %s", b[:n], from, peer)
	}
	return true
}

// counterOf reads sluice_turn_refusals_total of a reason.
func counterOf(tb testing.TB, from prometheus.Gatherer, reason string) float64 {
	tb.Helper()
	families, err := from.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "sluice_turn_refusals_total" && m.GetLabel()[0].GetValue() == reason {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
