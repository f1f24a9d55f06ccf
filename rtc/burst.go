package rtc

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/pion/ice/v4"
)

// Burst diverts the media of one peer into the batch of whoever sends it now,
// and tells how much of it waits if the peer is reached over TCP.
type Burst struct {
	queued atomic.Int64 // bytes that wait for TCP connections

	plain bool // no offload: the kernel or this peer's route refused; belongs to the sender

	mu    sync.Mutex
	batch *Batch // nil: packets go their usual way
}

// Begin makes the media packets that are written from now on wait for the
// batch's Flush. Begin and End do nothing on nil.
func (b *Burst) Begin(batch *Batch) {
	if b != nil {
		b.set(batch)
	}
}

// End makes packets go their usual way again.
func (b *Burst) End() {
	if b != nil {
		b.set(nil)
	}
}

// Full says whether so much waits for the peer that nothing more should be sent
// now. What is sent over UDP never waits.
func (b *Burst) Full() bool { return b != nil && b.queued.Load() > tcpLate }

func (b *Burst) set(batch *Batch) {
	b.mu.Lock()
	b.batch = batch
	b.mu.Unlock()
}

// take gathers a packet. It returns false if the packet is to go its usual way:
// whatever is not media, and media outside of Begin and End.
func (b *Burst) take(packet []byte, to netip.AddrPort) bool {
	if !isRTP(packet) || len(packet) > segmentsBytes {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.batch == nil {
		return false
	}
	b.batch.add(b, packet, to)
	return true
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
