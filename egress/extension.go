package egress

import (
	"encoding/binary"
	"time"
)

const (
	// startDelay is what a receiver shows pictures later than they come, at
	// least, from its join on: about what its sound waits in the jitter buffer.
	// It would get there by itself to keep lips and sound together, but only in
	// steps that take a quarter of a minute. The delay is in units of 10 ms.
	startDelay = 80 * time.Millisecond
	// startDelayMost bounds the delay from above, where no receiver gets to:
	// 500 ms and less would turn its jitter buffer off.
	startDelayMost = 10 * time.Second

	// capturePause is how often a frame says when it was captured; receivers
	// work out the others.
	capturePause = time.Second
)

// extend returns the header extension (RFC 8285) of a frame's next packet, whose
// payload has so many bytes; the value may be appended to into, which has room
// for extensionSize bytes. All packets of a frame have one of the same size or
// none, so that they stay equal.
type extend func(into []byte, bytes int) (id uint8, value []byte)

const extensionSize = 2

// constant is an extension that all packets of a frame share.
func constant(id uint8, value []byte) extend {
	return func([]byte, int) (uint8, []byte) { return id, value }
}

// feedbackOn asks for transport-wide feedback on each packet.
func feedbackOn(id uint8, cc *twcc, now time.Time) extend {
	return func(into []byte, bytes int) (uint8, []byte) {
		return id, binary.BigEndian.AppendUint16(into, cc.stamp(bytes, now))
	}
}

// playoutDelay is the value of rtc.PlayoutDelay: two times 12 bits, the least
// and the largest delay.
func playoutDelay(least, most time.Duration) []byte {
	const unit = 10 * time.Millisecond
	v := uint32(least/unit)<<12 | uint32(most/unit)
	return []byte{byte(v >> 16), byte(v >> 8), byte(v)}
}

// captureTime is the value of rtc.AbsCaptureTime: when a frame was captured, on
// our clock, so that nothing is to be added to it.
func captureTime(t time.Time) []byte { return binary.BigEndian.AppendUint64(nil, ntpTime(t)) }

// mark is a packet whose arrival a receiver report will tell.
type mark struct {
	seq         uint16
	sent, there bool
}

// set marks the first packet it is called with.
func (m *mark) set(seq uint16) {
	if !m.sent {
		m.seq, m.sent = seq, true
	}
}

// reached notes what the receiver has got; true the first time that the packet
// is among it.
func (m *mark) reached(highest uint16) bool {
	if m.there || !m.sent || int16(highest-m.seq) < 0 {
		return false
	}
	m.there = true
	return true
}
