package egress

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
)

const (
	// redundantFrom is the loss from which sound goes out redundantly, in 1/256
	// (RFC 3550 §6.4.1): one packet of the 50 in a second. redundantFor is how
	// long it does after the last report of as much.
	redundantFrom = 4
	redundantFor  = 30 * time.Second

	// What a block's header can tell (RFC 2198 §3).
	redOffset = 1<<14 - 1 // ticks
	redLength = 1<<10 - 1 // bytes
)

// redundancy puts into each packet of sound a copy of the one before, for
// viewers who lose some: receivers do not ask for sound again, and conceal it.
type redundancy struct {
	// static
	payloadType uint8 // 0: not negotiated
	of          uint8 // payload type of the sound itself

	until  time.Time
	active bool

	last []byte // payload of the packet before, at that timestamp
	at   uint32
	buf  []byte
}

// heard takes what the viewer says of its losses.
func (r *redundancy) heard(fraction uint8, now time.Time) {
	if fraction >= redundantFrom {
		r.until = now.Add(redundantFor)
	}
	r.active = r.payloadType != 0 && now.Before(r.until)
}

// feedback takes a report of the viewer's.
func (t *track) feedback(packet rtcp.Packet, now time.Time) {
	report, ok := packet.(*rtcp.ReceiverReport)
	if !ok {
		return
	}
	for _, r := range report.Reports {
		if r.SSRC == t.header.SSRC {
			t.red.heard(r.FractionLost, now)
		}
	}
}

// wrap returns what to send for the next packet of sound. It is good until the
// next call.
func (r *redundancy) wrap(payload []byte, timestamp uint32) (payloadType uint8, wrapped []byte) {
	last, offset := r.last, timestamp-r.at
	r.last, r.at = payload, timestamp
	if !r.active || len(last) == 0 || len(last) > redLength || offset > redOffset || 5+len(last)+len(payload) > maxPayload {
		return r.of, payload
	}
	header := 1<<31 | uint32(r.of)<<24 | offset<<10 | uint32(len(last))
	r.buf = append(binary.BigEndian.AppendUint32(r.buf[:0], header), r.of)
	r.buf = append(append(r.buf, last...), payload...)
	return r.payloadType, r.buf
}
