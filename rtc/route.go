package rtc

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

// route follows where ICE has found a peer, and how much waits on the way to it.
type route struct {
	ice       *webrtc.ICETransport
	reporters *reporters
	current   atomic.Pointer[destination] // nil: not known
	queued    atomic.Int64                // bytes that wait for TCP connections
	reports   atomic.Pointer[reports]     // nil: pion has the peer's

	// guarded by mu, which renew holds
	mu      sync.Mutex
	paths   []*tcpPath
	address netip.AddrPort // that reporters knows
	ended   bool
}

// destination is where media goes.
type destination struct {
	addr netip.AddrPort
	tcp  *tcpConn // nil: it is reached over UDP
}

// follow begins to ask ICE.
func (r *route) follow(ice *webrtc.ICETransport) {
	r.ice = ice
	ice.OnSelectedCandidatePairChange(func(*webrtc.ICECandidatePair) { r.renew() })
}

// add takes a path that the peer's TCP connections may come by.
func (r *route) add(p *tcpPath) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paths = append(slices.DeleteFunc(r.paths, (*tcpPath).isClosed), p)
}

// listen takes the peer's reports from pion.
func (r *route) listen(reports *reports) {
	r.reports.Store(reports)
	r.renew()
}

// hear says whether it has taken a packet that came over TCP.
func (r *route) hear(packet []byte) bool {
	reports := r.reports.Load()
	if reports == nil || !isRTCP(packet) {
		return false
	}
	reports.take(packet)
	return true
}

// end returns when no report is told of any more.
func (r *route) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.expect(nil)
	if reports := r.reports.Load(); reports != nil {
		reports.end()
	}
}

// full says whether more waits than media should be added to.
func (r *route) full() bool { return r.queued.Load() > tcpLate }

// to returns where media goes now; nil: nowhere.
func (r *route) to() *destination {
	if d := r.current.Load(); d != nil {
		return d
	}
	return r.renew() // a change is told a little later than it is made
}

// renew asks ICE, so that whatever tells of a change, and however late, leads
// to what is true now.
func (r *route) renew() *destination {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.find()
	r.current.Store(d)
	if !r.ended {
		r.expect(d)
	}
	return d
}

// expect makes reports that come over UDP find the peer; mu is held.
func (r *route) expect(d *destination) {
	var now netip.AddrPort
	if d != nil && d.tcp == nil {
		now = d.addr
	}
	if reports := r.reports.Load(); reports != nil && now != r.address {
		r.reporters.move(reports, r.address, now)
		r.address = now
	}
}

func (r *route) find() *destination {
	if r.ice.State() == webrtc.ICETransportStateNew {
		return nil // pion's transport must not be asked while it starts
	}
	pair, err := r.ice.GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return nil
	}
	ip, err := netip.ParseAddr(pair.Remote.Address)
	if err != nil {
		return nil
	}
	addr := netip.AddrPortFrom(ip.Unmap(), pair.Remote.Port)
	if pair.Local.Protocol == webrtc.ICEProtocolUDP {
		return &destination{addr: addr}
	}
	for _, p := range r.paths {
		if c := p.to(addr); c != nil {
			return &destination{addr: addr, tcp: c}
		}
	}
	return nil
}
