package turn

import (
	"net"
	"net/netip"
	"sync"

	"github.com/sluice-media/sluice/limit"
	"github.com/sluice-media/sluice/metrics"
)

const (
	// maxPerUser bounds the relays of one credential. A browser makes one for
	// each of our URLs on each of its networks.
	maxPerUser = 16
	// maxPerHost bounds those of one address, behind which there may be a whole
	// office.
	maxPerHost = 512
)

// Why clients are refused, as a label of the metrics.
const (
	refusedCredential  = "credential"
	refusedPeer        = "peer"
	refusedUser        = "user_quota"
	refusedHost        = "address_quota"
	refusedTotal       = "total_quota"
	refusedConnections = "connections"
)

// quota counts relays. Clients that ask at the same time over different
// connections can go beyond a bound by one each.
type quota struct {
	max    int
	series metrics.TURN

	mu    sync.Mutex
	total int
	users map[string]int
	hosts map[netip.Addr]int
}

func newQuota(max int, series metrics.TURN) *quota {
	return &quota{max: max, series: series, users: make(map[string]int), hosts: make(map[netip.Addr]int)}
}

// admit answers a client that asks for a relay (RFC 8656 §7.2).
func (q *quota) admit(user, _ string, client net.Addr) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.total >= q.max:
		q.series.Refused(refusedTotal)
	case q.users[user] >= maxPerUser:
		q.series.Refused(refusedUser)
	case q.hosts[hostOf(client)] >= maxPerHost:
		q.series.Refused(refusedHost)
	default:
		return true
	}
	return false
}

// created is called by the library for each new relay.
func (q *quota) created(client, _ net.Addr, _, user, _ string, _ net.Addr, _ int) {
	q.count(user, hostOf(client), 1)
}

// deleted is called by the library for each relay that has ended.
func (q *quota) deleted(client, _ net.Addr, _, user, _ string) { q.count(user, hostOf(client), -1) }

func (q *quota) count(user string, host netip.Addr, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total += n
	if q.users[user] += n; q.users[user] == 0 {
		delete(q.users, user)
	}
	if q.hosts[host] += n; q.hosts[host] == 0 {
		delete(q.hosts, host)
	}
	q.series.Relays.Add(float64(n))
}

// hostOf is what addresses are counted by.
func hostOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.UDPAddr:
		return limit.Host(a.AddrPort().Addr())
	case *net.TCPAddr:
		return limit.Host(a.AddrPort().Addr())
	default:
		return netip.Addr{}
	}
}
