package rtc

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
)

const (
	// reportWindow is how many packets late a report may come (RFC 3711 §3.3.2).
	reportWindow = 64
	// maxReporters bounds the SSRCs that one peer reports as: the replay list of
	// each is kept.
	maxReporters = 16
)

// reports opens the RTCP that a peer sends, past pion's layers: whoever reads a
// packet from the socket decrypts it and tells of it at once.
type reports struct {
	// guarded by mu
	mu      sync.Mutex
	context *srtp.Context
	tell    func(compound []byte) // nil: nobody is told any more
	known   map[uint32]struct{}   // SSRCs
	header  rtcp.Header           // that pion reads from the packet
	plain   []byte
}

func newReports(profile srtp.ProtectionProfile, keys srtp.SessionKeys, tell func(compound []byte)) (*reports, error) {
	c, err := srtp.CreateContext(keys.RemoteMasterKey, keys.RemoteMasterSalt, profile, srtp.SRTCPReplayProtection(reportWindow))
	return &reports{context: c, tell: tell, known: make(map[uint32]struct{}, 1)}, err
}

// take tells of a packet, if it is the peer's.
func (r *reports) take(packet []byte) {
	if len(packet) < rtcpClear {
		return
	}
	ssrc := binary.BigEndian.Uint32(packet[4:])
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.known[ssrc]; r.tell == nil || !ok && len(r.known) == maxReporters {
		return
	}
	plain, err := r.context.DecryptRTCP(r.plain[:0], packet, &r.header)
	if err != nil {
		return
	}
	r.known[ssrc], r.plain = struct{}{}, plain
	r.tell(plain)
}

// end returns when nobody is told any more.
func (r *reports) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell = nil
}

// reporters know whose the RTCP is that comes to the UDP port.
type reporters struct {
	// guarded by mu
	mu sync.RWMutex
	at map[netip.AddrPort]*reports
}

func newReporters() *reporters { return &reporters{at: make(map[netip.AddrPort]*reports)} }

// take says whether it has taken a datagram.
func (r *reporters) take(packet []byte, from netip.AddrPort) bool {
	if !isRTCP(packet) {
		return false
	}
	r.mu.RLock()
	to := r.at[netip.AddrPortFrom(from.Addr().Unmap(), from.Port())]
	r.mu.RUnlock()
	if to == nil {
		return false
	}
	to.take(packet)
	return true
}

// move takes note that a peer's address has changed; the zero value: it has none.
func (r *reporters) move(peer *reports, from, to netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at[from] == peer {
		delete(r.at, from)
	}
	if to.IsValid() {
		r.at[to] = peer
	}
}

// isRTP and isRTCP tell the two from each other, and from STUN and DTLS (RFC
// 7983 §7, RFC 5761 §4).
func isRTP(packet []byte) bool { return isSRTP(packet) && (packet[1] < 192 || packet[1] > 223) }

func isRTCP(packet []byte) bool { return isSRTP(packet) && !isRTP(packet) }

func isSRTP(packet []byte) bool { return len(packet) > 1 && packet[0]&0xc0 == 0x80 }
