package rtc

import (
	"errors"
	"fmt"

	"github.com/pion/rtp"
)

var (
	errNotBegun   = errors.New("RTP written outside of Begin and End")
	errPacketSize = errors.New("RTP packet larger than a datagram")
)

// Media sends RTP to a peer past pion's layers: a packet is sealed into the
// batch of whoever sends it now, and goes where ICE has found the peer. RTCP
// stays pion's.
type Media struct {
	sealer sealer
	route  *route

	// owned by the sender
	batch *Batch // nil: outside of Begin and End
	to    *destination
	plain bool // no offload: the kernel or this peer's route refused
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
	if m.to.tcp != nil {
		return m.to.tcp.write(room[:n])
	}
	m.batch.add(m, n, m.to.addr)
	return n, nil
}
