package limit

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxHosts bounds the memory of a Rate: 65,536 hosts of about 200 bytes. When
// more than that come at once, the whole table is forgotten: a limit that is
// lost for a moment is better than memory that is lost for good.
const maxHosts = 1 << 16

// Rate lets each host do something so often. Its methods may be called from
// any goroutine.
type Rate struct {
	every time.Duration
	burst int

	mu    sync.Mutex
	hosts map[netip.Addr]*rate.Limiter
}

// NewRate returns a Rate of one each so long, and of burst at once.
func NewRate(every time.Duration, burst int) *Rate {
	return &Rate{every: every, burst: burst, hosts: make(map[netip.Addr]*rate.Limiter)}
}

// Take counts one. If it is too often it returns how long to wait instead.
func (r *Rate) Take(addr netip.Addr, now time.Time) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.limiter(addr, now); !l.AllowN(now, 1) {
		return r.wait(l, now)
	}
	return 0
}

// Wait returns how long Take would have to wait, and counts nothing.
func (r *Rate) Wait(addr netip.Addr, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.hosts[Host(addr)]
	if l == nil {
		return 0
	}
	return r.wait(l, now)
}

func (r *Rate) wait(l *rate.Limiter, now time.Time) time.Duration {
	return max(0, time.Duration((1-l.TokensAt(now))*float64(r.every)))
}

func (r *Rate) limiter(addr netip.Addr, now time.Time) *rate.Limiter {
	host := Host(addr)
	if l := r.hosts[host]; l != nil {
		return l
	}
	if len(r.hosts) >= maxHosts {
		r.forget(now)
	}
	l := rate.NewLimiter(rate.Every(r.every), r.burst)
	r.hosts[host] = l
	return l
}

// forget drops the hosts that have done nothing lately, or all.
func (r *Rate) forget(now time.Time) {
	for host, l := range r.hosts {
		if l.TokensAt(now) >= float64(r.burst) {
			delete(r.hosts, host)
		}
	}
	if len(r.hosts) >= maxHosts {
		clear(r.hosts)
	}
}
