package limit

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func TestHost(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1":                "192.0.2.1",
		"::ffff:192.0.2.1":         "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":     "2001:db8:1:2::",
		"2001:db8:1:2:ffff:ffff::": "2001:db8:1:2::",
	} {
		if got := Host(netip.MustParseAddr(addr)); got != netip.MustParseAddr(want) {
			t.Errorf("%s counts as %s, want %s", addr, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	r, now := NewRate(time.Second, 3), time.Unix(1000, 0)
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")
	for i := range 3 {
		if wait := r.Wait(a, now); wait != 0 {
			t.Errorf("before %d: wait %v", i, wait)
		}
		if wait := r.Take(a, now); wait != 0 {
			t.Errorf("%d: wait %v", i, wait)
		}
	}
	neighbour := netip.MustParseAddr("2001:db8::2") // of the same /64
	if wait := r.Take(neighbour, now); wait != time.Second {
		t.Errorf("the fourth waits %v", wait)
	}
	if wait := r.Take(b, now); wait != 0 {
		t.Errorf("another host waits %v", wait)
	}
	if wait := r.Take(a, now.Add(time.Second)); wait != 0 {
		t.Errorf("a second later it waits %v", wait)
	}
}

// However many hosts there are, memory is bounded.
func TestRateForgets(t *testing.T) {
	r, now := NewRate(time.Hour, 1), time.Unix(1000, 0)
	for i := range uint32(maxHosts + 10) {
		r.Take(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, i))), now)
	}
	if n := len(r.hosts); n > maxHosts {
		t.Errorf("%d hosts are remembered", n)
	}
}

func TestCount(t *testing.T) {
	c := NewCount(2)
	a, neighbour, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("192.0.2.1")
	for i, want := range []bool{true, true, false} {
		if got := c.Take(a); got != want {
			t.Errorf("%d: %t", i, got)
		}
	}
	if c.Take(neighbour) || !c.Take(b) {
		t.Error("a /64 is one host, an IPv4 address another")
	}
	c.Release(neighbour)
	if !c.Take(a) {
		t.Error("nothing was given back")
	}
	for range 2 {
		c.Release(a)
	}
	c.Release(b)
	if len(c.hosts) != 0 {
		t.Errorf("%d hosts are remembered", len(c.hosts))
	}
}
