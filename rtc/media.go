package rtc

import (
	"errors"
	"fmt"

	"github.com/pion/rtp"
)

var (
	errNotBegun   = errors.New("RTP written outside of Begin and End")
	errPacketSize = errors.New("RTP packet larger than a datagram")
	errShortRTCP  = errors.New("RTCP packet without a header")
)

// Media sends RTP and RTCP to a peer past pion's layers: a packet is sealed into
// the batch of whoever sends it now, and goes where ICE has found the peer. What
// the peer sends stays pion's.
type Media struct {
	sealer sealer
	route  *route

	// owned by the sender
	batch *Batch // nil: outside of Begin and End
	to    *destination
	plain bool // no offload: the kernel or this peer's route refused
}

// Fetch reads a little of what sending needs, so that it is in the CPU's cache
// when it is needed.
func (m *Media) Fetch() int {
	sum := m.sealer.overhead()
	if to := m.route.current.Load(); to != nil {
		sum += int(to.addr.Port())
	}
	return sum
}

// Begin makes packets that are written from now on wait for the batch's Flush,
// or for the peer's TCP connection. It reports whether there is a way to the
// peer.
func (m *Media) Begin(batch *Batch) bool {
	if m.to = m.route.to(); m.to == nil {
		return false
	}
	m.batch = batch
	return true
}

// End is called when a sender has written all for now.
func (m *Media) End() { m.batch = nil }

// WriteRTP sends a packet. It keeps neither the header nor the payload.
func (m *Media) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	size := h.MarshalSize() + len(payload) + m.sealer.overhead()
	switch {
	case m.batch == nil:
		return 0, errNotBegun
	case size > segmentsBytes:
		return 0, errPacketSize
	}
	room := m.batch.room(size)
	n, err := m.sealer.seal(room, h, payload)
	if err != nil {
		return 0, fmt.Errorf("seal an RTP packet: %w", err)
	}
	return m.leave(room[:n])
}

// WriteRTCP sends a compound packet, as WriteRTP does.
func (m *Media) WriteRTCP(packet []byte) (int, error) {
	switch {
	case m.batch == nil:
		return 0, errNotBegun
	case len(packet)+rtcpGrows > segmentsBytes:
		return 0, errPacketSize
	}
	room := m.batch.room(len(packet) + rtcpGrows)
	n, err := m.sealer.sealRTCP(room, packet)
	if err != nil {
		return 0, fmt.Errorf("seal an RTCP packet: %w", err)
	}
	return m.leave(room[:n])
}

// leave makes what was sealed into the batch's room go its way.
func (m *Media) leave(packet []byte) (int, error) {
	if m.to.tcp != nil {
		return m.to.tcp.write(packet)
	}
	m.batch.add(m, len(packet), m.to.addr)
	return len(packet), nil
}
