package rtc

import (
	"net"
	"net/netip"
	"sync"

	"github.com/pion/ice/v4"
)

const (
	// burstSegments and burstBytes bound what the kernel takes at once
	// (UDP_MAX_SEGMENTS in Linux before 6.9; the largest UDP datagram).
	burstSegments = 64
	burstBytes    = 65_000
)

// Burst gathers the packets of a frame on their way to one peer and hands
// them to the kernel in one piece, which it cuts up again as late as it can
// (UDP generic segmentation offload): most of what a packet costs is its way
// through the kernel. Where that does not work packets are sent one by one.
type Burst struct {
	socket udpConn
	pool   *sync.Pool // of *[]byte, burstBytes each

	mu    sync.Mutex
	open  bool
	plain bool // no offload: the kernel or this peer's route refused
	to    netip.AddrPort
	buf   *[]byte // nil: nothing is gathered
	size  int     // of a segment; the last may be shorter
	ends  bool    // it is
	count int
}

// Begin makes the packets that follow wait for End. Both do nothing on nil.
func (b *Burst) Begin() {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.open = !b.plain
	b.mu.Unlock()
}

// End sends what was gathered.
func (b *Burst) End() {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.flush()
	b.open = false
	b.mu.Unlock()
}

// take gathers a packet. It returns false if the packet is to go its usual way:
// whatever is not media, and media outside of Begin and End.
func (b *Burst) take(packet []byte, to netip.AddrPort) bool {
	if !isRTP(packet) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open || len(packet) > burstBytes {
		return false
	}
	if b.buf != nil && (b.ends || to != b.to || len(packet) > b.size ||
		b.count == burstSegments || len(*b.buf)+len(packet) > burstBytes) {
		b.flush()
	}
	if b.buf == nil {
		b.buf = b.pool.Get().(*[]byte)
		*b.buf = (*b.buf)[:0]
		b.to, b.size, b.count, b.ends = to, len(packet), 0, false
	}
	*b.buf = append(*b.buf, packet...)
	b.count++
	b.ends = len(packet) < b.size
	return true
}

// flush sends what was gathered. What one peer's route refuses is lost to
// that peer alone; mu is held.
func (b *Burst) flush() {
	if b.buf == nil {
		return
	}
	packets := *b.buf
	if err := b.socket.sendSegments(packets, b.size, b.to); err != nil {
		b.plain = refusesSegments(err)
		for len(packets) > 0 {
			n := min(b.size, len(packets))
			_, _ = b.socket.WriteToUDPAddrPort(packets[:n], b.to)
			packets = packets[n:]
		}
	}
	b.pool.Put(b.buf)
	b.buf = nil
}

// isRTP tells media from STUN, DTLS and RTCP (RFC 7983 §7, RFC 5761 §4).
func isRTP(packet []byte) bool {
	return len(packet) > 1 && packet[0]&0xc0 == 0x80 && (packet[1] < 192 || packet[1] > 223)
}

// burstConn is the mux's connection of one session's ICE agent, with its media
// diverted through a burst.
type burstConn struct {
	net.PacketConn
	usual ice.AddrPortReaderWriter // the same
	burst *Burst
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (c burstConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return c.usual.ReadFromAddrPort(b)
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (c burstConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if c.burst.take(b, to) {
		return len(b), nil
	}
	return c.usual.WriteToAddrPort(b, to)
}
