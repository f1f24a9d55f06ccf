package limit

import (
	"net/netip"
	"sync"
)

// Crowd bounds how many are there at a time, in all and of each host. Its
// methods may be called from any goroutine.
type Crowd struct {
	max, perHost int

	mu    sync.Mutex
	total int
	hosts map[netip.Addr]int
}

// NewCrowd returns an empty Crowd of at most so many.
func NewCrowd(max, perHost int) *Crowd {
	return &Crowd{max: max, perHost: perHost, hosts: make(map[netip.Addr]int)}
}

// Enter counts one in, if there is room for it.
func (c *Crowd) Enter(addr netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	host := Host(addr)
	if c.total >= c.max || c.hosts[host] >= c.perHost {
		return false
	}
	c.total++
	c.hosts[host]++
	return true
}

// Leave counts out one that entered.
func (c *Crowd) Leave(addr netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	host := Host(addr)
	c.total--
	if c.hosts[host]--; c.hosts[host] == 0 {
		delete(c.hosts, host)
	}
}
