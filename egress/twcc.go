package egress

import (
	"time"

	"github.com/pion/rtcp"
)

// twccPackets bounds the packets whose report is awaited; a power of two that
// holds more than 200 ms at the largest pace.
const twccPackets = 2048

// twcc matches transport-wide feedback with what was sent. The extension that
// asks for it is put on the packets of replays alone: every report costs us more
// than the packet it is about.
type twcc struct {
	next uint16
	sent [twccPackets]struct {
		at    time.Time
		bytes int
		seq   uint16
	}
	least   time.Duration // smallest one-way delay seen, on the two clocks
	started bool
}

// stamp returns the number of a packet that is about to be sent.
func (t *twcc) stamp(bytes int, now time.Time) uint16 {
	seq := t.next
	t.next++
	s := &t.sent[seq%twccPackets]
	s.at, s.bytes, s.seq = now, bytes, seq
	return seq
}

// summary is what a report says.
type summary struct {
	span      time.Duration // from the first to the last arrival
	queueing  time.Duration // of the last packet, above the smallest delay seen
	loss      float64       // 0 to 1
	delivered float64       // bit/s
}

// read sums a report up; ok is false if it is about nothing that was sent.
func (t *twcc) read(p *rtcp.TransportLayerCC) (r summary, ok bool) {
	const reference = 64 * time.Millisecond // unit of ReferenceTime
	at := time.Duration(p.ReferenceTime) * reference
	seq, deltas := p.BaseSequenceNumber, p.RecvDeltas
	var first, last time.Duration
	got, bytes, lost := 0, 0, 0
	note := func(symbol uint16) {
		s := &t.sent[seq%twccPackets]
		known := s.seq == seq && !s.at.IsZero()
		seq++
		received := symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta
		if !received || len(deltas) == 0 {
			if known && symbol == rtcp.TypeTCCPacketNotReceived {
				lost++
			}
			return
		}
		at += time.Duration(deltas[0].Delta) * time.Microsecond
		deltas = deltas[1:]
		if !known {
			return
		}
		if got == 0 {
			first = at
		}
		last = at
		got++
		bytes += s.bytes
		// The two clocks have nothing in common but their pace.
		delay := at - time.Duration(s.at.UnixNano())
		if !t.started || delay < t.least {
			t.least, t.started = delay, true
		}
		r.queueing = delay - t.least
	}
	t.each(p, note)
	if got == 0 {
		return r, false
	}
	r.span = last - first
	r.loss = float64(lost) / float64(got+lost)
	if r.span > 0 {
		r.delivered = float64(bytes) * 8 / r.span.Seconds()
	}
	return r, true
}

// each calls note with the symbol of each packet of a report.
func (t *twcc) each(p *rtcp.TransportLayerCC, note func(symbol uint16)) {
	left := int(p.PacketStatusCount)
	for _, c := range p.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range min(int(c.RunLength), left) {
				note(c.PacketStatusSymbol)
				left--
			}
		case *rtcp.StatusVectorChunk:
			for _, s := range c.SymbolList[:min(len(c.SymbolList), left)] {
				note(s)
				left--
			}
		}
	}
}
