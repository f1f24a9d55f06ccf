package egress

import (
	"time"

	"github.com/pion/rtcp"
)

// feedback takes a report of the viewer's.
func (p *playback) feedback(packet rtcp.Packet, now time.Time) {
	switch packet := packet.(type) {
	case *rtcp.TransportLayerNack:
		if packet.MediaSSRC == p.track.header.SSRC {
			p.nack(packet.Nacks, now)
		}
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		p.metrics.KeyframeRequests.Inc()
		p.requested(now)
	case *rtcp.TransportLayerCC:
		p.arrivals(packet, now)
	case *rtcp.ReceiverReport:
		p.receiverReport(packet, now)
	}
}

// requested answers a request for an IDR. They repeat until one was decoded.
func (p *playback) requested(now time.Time) {
	switch state, _ := p.backlog.state(); {
	case state == waiting:
	case state == catching, now.Sub(p.caughtUp) < replayPause:
		if now.Sub(p.idrSent) < p.rtt+requestGrace {
			return
		}
		p.again(now)
	default:
		p.recover(causeRequest, now)
	}
}

// again repeats a replay that was not decoded: as it was if the receiver may
// have missed its beginning, else at half the pace, then not at all.
func (p *playback) again(now time.Time) {
	p.tries++
	switch race := now.Sub(p.joined) < startRace; {
	case p.tries == 1 && race:
		p.replay(p.cause, 1, now)
	case p.tries == 1, p.tries == 2 && race:
		p.replay(p.cause, 2, now)
	default:
		p.wait(waitUndecoded)
	}
}

// recover begins a replay for a live viewer, but not one after the other.
func (p *playback) recover(cause string, now time.Time) {
	if now.Sub(p.began) < replayPause {
		return
	}
	p.tries = 0
	p.replay(cause, 1, now)
}

// nack repeats lost packets, and goes back to the cache for those that it
// cannot repeat: a receiver asks for an IDR only seconds later.
func (p *playback) nack(pairs []rtcp.NackPair, now time.Time) {
	beyond := false
	for i := range pairs {
		pairs[i].Range(func(seq uint16) bool {
			p.metrics.NACKs.Inc()
			beyond = !p.repeat(seq, now) || beyond
			return true
		})
	}
	state, _ := p.backlog.state()
	switch {
	case state == live && beyond:
		p.recover(causeNACK, now)
	case state == catching && p.cc == nil && now.Sub(p.lastCut) > max(lossPause, p.rtt):
		p.lastCut = now
		p.pacer.cut(0)
		p.giveUp(now)
	}
}

// repeat sends a lost packet once more, unless that was just done. It reports
// whether there is hope.
func (p *playback) repeat(seq uint16, now time.Time) bool {
	s, packet, ok := p.history.find(seq)
	if !ok {
		p.metrics.Unrepaired.Inc()
		return false
	}
	switch p.repairs.ask(seq, now, p.rtt) {
	case ignore:
		return true
	case giveUp:
		p.metrics.Unrepaired.Inc()
		return false
	case repeat:
	}
	if !p.resend(s, packet, now) {
		p.metrics.Unrepaired.Inc()
		return false
	}
	if len(p.copies) < copyMost {
		p.copies, p.copyAt = append(p.copies, seq), now.Add(copyPause)
	}
	return true
}

// resend sends a packet that was sent before, if the share of the bitrate that
// repairs may take allows it.
func (p *playback) resend(s sentFrame, packet int, now time.Time) bool {
	if p.repair != nil && !p.repair.take(float64(len(s.frame.Payloads[packet])), now) {
		return false
	}
	if _, err := p.track.repeat(s, packet); err != nil {
		return false
	}
	p.metrics.Retransmitted.Inc()
	return true
}

// copy sends what was repeated once more. Were the repetition lost as well, the
// receiver would have nothing left to show: Chromium, which does not know the
// round trip of what it only receives, asks again after 100 ms.
func (p *playback) copy(now time.Time) {
	if len(p.copies) == 0 || now.Before(p.copyAt) {
		return
	}
	for _, seq := range p.copies {
		if s, packet, ok := p.history.find(seq); ok {
			p.resend(s, packet, now)
		}
	}
	p.copies = p.copies[:0]
}

// arrivals adapts the pace of a replay to what the link carries.
func (p *playback) arrivals(report *rtcp.TransportLayerCC, now time.Time) {
	if p.cc == nil || p.pacer == nil {
		return
	}
	if s, ok := p.cc.read(report); ok {
		p.pacer.report(s.span, s.queueing, s.loss, s.delivered)
		p.giveUp(now)
	}
}

// giveUp ends a replay that the link is too slow for.
func (p *playback) giveUp(now time.Time) {
	if p.pacer.hopeless(p.backlog.pending(), p.untilIDR.Sub(now)) {
		p.wait(waitSlowLink)
	}
}

// receiverReport measures the round trip (RFC 3550 §6.4.1) and notes when the
// viewer had the first IDR.
func (p *playback) receiverReport(packet *rtcp.ReceiverReport, now time.Time) {
	for _, r := range packet.Reports {
		if r.SSRC != p.track.header.SSRC {
			continue
		}
		if r.LastSenderReport != 0 {
			middle := uint32(ntpTime(now) >> 16) // 16.16 seconds
			if rtt := int32(middle - r.LastSenderReport - r.Delay); rtt >= 0 {
				p.rtt = time.Duration(int64(rtt) * int64(time.Second) >> 16)
			}
		}
		highest := uint16(r.LastSequenceNumber)
		p.delayed.reached(highest)
		if p.firstIDR.reached(highest) {
			p.metrics.joinAcked.Observe(now.Sub(p.joined).Seconds())
		}
	}
}
