package limit

import (
	"net/netip"
	"sync"
)

// Count bounds what each host has at a time. Its methods may be called from any
// goroutine.
type Count struct {
	max int

	mu    sync.Mutex
	hosts map[netip.Addr]int
}

// NewCount returns a Count of at most max for each host.
func NewCount(max int) *Count { return &Count{max: max, hosts: make(map[netip.Addr]int)} }

// Take counts one more, to be given back by Release, unless the host has as
// many as it may.
func (c *Count) Take(addr netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	host := Host(addr)
	if c.hosts[host] >= c.max {
		return false
	}
	c.hosts[host]++
	return true
}

// Release counts one less.
func (c *Count) Release(addr netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	host := Host(addr)
	if c.hosts[host]--; c.hosts[host] <= 0 {
		delete(c.hosts, host)
	}
}
