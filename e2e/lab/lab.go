// Package lab makes networks of network namespaces: a server, and a viewer behind
// a firewall, each behind a NAT. They are gone when the test ends.
package lab

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-media/sluice/e2e/proc"
)

// Public is the address under which the viewer reaches the server, of a network
// for examples (RFC 5737). The server has another one, and cannot reach itself
// by this.
const Public = "203.0.113.7"

// PublicIPv6 is the server's address in IPv6, of a network for documentation (RFC
// 3849), where no NAT is between the two.
const PublicIPv6 = "2001:db8:5::2"

// Lab is one such network.
type Lab struct{ server, nat, viewer string }

// made numbers the labs of this process.
var made atomic.Int32

// New makes a network, or skips the test where that is not permitted.
func New(tb testing.TB) *Lab {
	tb.Helper()
	for _, program := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			tb.Fatalf("%v: make deps-test installs it", err)
		}
	}
	id := fmt.Sprintf("sluice%d-%d-", os.Getpid(), made.Add(1))
	l := &Lab{id + "server", id + "nat", id + "viewer"}
	for _, ns := range []string{l.server, l.nat, l.viewer} {
		if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
			tb.Skipf("no network namespaces here, which need root or CAP_SYS_ADMIN: %v: %s", err, out)
		}
		tb.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
		run(tb, "", "ip", "-n", ns, "link", "set", "lo", "up")
	}
	l.link(tb, l.server, "wan", "198.51.100.2/24", l.nat, "wan", "198.51.100.1/24")
	l.link(tb, l.viewer, "lan", "192.168.7.2/24", l.nat, "lan", "192.168.7.1/24")
	run(tb, "", "ip", "-n", l.viewer, "route", "add", "default", "via", "192.168.7.1")
	run(tb, "", "ip", "netns", "exec", l.nat, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	address(tb, l.server, PublicIPv6+"/64", "wan")
	address(tb, l.nat, "2001:db8:5::1/64", "wan")
	address(tb, l.nat, "2001:db8:7::1/64", "lan")
	run(tb, "", "ip", "-n", l.server, "route", "add", "default", "via", "2001:db8:5::1")
	l.nft(tb, `table ip nat {
		chain in { type nat hook prerouting priority dstnat; ip daddr `+Public+` dnat to 198.51.100.2; }
		chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade random; }
	}`)
	return l
}

// GiveIPv6 lets the viewer's machine have IPv6 as well.
func (l *Lab) GiveIPv6(tb testing.TB) {
	tb.Helper()
	address(tb, l.viewer, "2001:db8:7::2/64", "lan")
	run(tb, "", "ip", "-n", l.viewer, "route", "add", "default", "via", "2001:db8:7::1")
}

// TakeIPv4 leaves the viewer's machine without IPv4.
func (l *Lab) TakeIPv4(tb testing.TB) {
	tb.Helper()
	run(tb, "", "ip", "-n", l.viewer, "-4", "addr", "flush", "dev", "lan")
}

// address gives a device an address in IPv6 that serves at once.
func address(tb testing.TB, ns, addr, dev string) {
	tb.Helper()
	run(tb, "", "ip", "-n", ns, "addr", "add", addr, "dev", dev, "nodad")
}

// link connects two namespaces.
func (l *Lab) link(tb testing.TB, a, aName, aAddr, b, bName, bAddr string) {
	tb.Helper()
	run(tb, "", "ip", "-n", a, "link", "add", aName, "type", "veth", "peer", "name", bName, "netns", b)
	for _, end := range [][3]string{{a, aName, aAddr}, {b, bName, bAddr}} {
		run(tb, "", "ip", "-n", end[0], "addr", "add", end[2], "dev", end[1])
		run(tb, "", "ip", "-n", end[0], "link", "set", end[1], "up")
	}
}

// Allow makes the viewer's firewall let through what matches one of the rules,
// such as "tcp dport 80", and drop what else goes out.
func (l *Lab) Allow(tb testing.TB, rules ...string) {
	tb.Helper()
	var accept strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&accept, "iifname \"lan\" %s accept\n", r)
	}
	l.nft(tb, `table inet firewall
		delete table inet firewall
		table inet firewall {
			chain forward {
				type filter hook forward priority filter; policy accept;
				`+accept.String()+`
				iifname "lan" drop
			}
		}`)
}

// Slow makes the line to the viewer carry no more than a rate, such as 1mbit.
func (l *Lab) Slow(tb testing.TB, rate string) {
	tb.Helper()
	run(tb, "", "ip", "netns", "exec", l.nat, "tc", "qdisc", "add", "dev", "lan", "root", "tbf", "rate", rate, "burst", "10kb", "latency", "200ms")
}

// SlowUp does so with the line from the viewer; "" takes it back.
func (l *Lab) SlowUp(tb testing.TB, rate string) {
	tb.Helper()
	if rate == "" {
		run(tb, "", "ip", "netns", "exec", l.nat, "tc", "qdisc", "del", "dev", "wan", "root")
		return
	}
	run(tb, "", "ip", "netns", "exec", l.nat, "tc", "qdisc", "add", "dev", "wan", "root", "tbf", "rate", rate, "burst", "10kb", "latency", "200ms")
}

func (l *Lab) nft(tb testing.TB, rules string) {
	tb.Helper()
	run(tb, rules, "ip", "netns", "exec", l.nat, "nft", "-f", "-")
}

// OnServer starts a command line on the server; env VARIABLE=VALUE may be its
// beginning.
func (l *Lab) OnServer(tb testing.TB, command ...string) *proc.Process {
	tb.Helper()
	return proc.Start(tb, "ip", append([]string{"netns", "exec", l.server}, command...)...)
}

// OnViewer starts a command line on the viewer's machine.
func (l *Lab) OnViewer(tb testing.TB, command ...string) *proc.Process {
	tb.Helper()
	return proc.Start(tb, "ip", append([]string{"netns", "exec", l.viewer}, command...)...)
}

func run(tb testing.TB, input, program string, args ...string) {
	tb.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}
