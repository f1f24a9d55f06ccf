package egress

const (
	nalTypeMask = 0x1f
	nalRefMask  = 0x60 // nal_ref_idc
	naluSTAPA   = 24
	naluFUA     = 28
	fuStart     = 0x80
	fuEnd       = 0x40
)

// payloadH264 turns an access unit's NAL units into RTP payloads of
// packetization mode 1 (RFC 6184 §6.3). Neighbouring NAL units that fit into
// one payload, such as parameter sets and SEI, share a STAP-A; what is larger
// than a payload is split into FU-As of equal size but the last, which is what
// UDP segmentation offload asks for. All payloads are slices of one buffer.
func payloadH264(nalus [][]byte) [][]byte {
	p := newPayloader(nalus, 2)
	for len(nalus) > 0 {
		k := aggregate(nalus, 1, isSlice)
		switch {
		case k > 1:
			p.stapA(nalus[:k])
		case len(nalus[0]) > maxPayload:
			p.fuA(nalus[0])
		default:
			p.append(nalus[0])
		}
		nalus = nalus[k:]
	}
	return p.payloads
}

// isSlice reports whether a NAL unit is a coded slice (nal_unit_type 1 to 5,
// ITU-T H.264 table 7-1).
func isSlice(n []byte) bool {
	t := n[0] & nalTypeMask
	return t >= 1 && t <= 5
}

// stapA aggregates NAL units (RFC 6184 §5.7.1). Its header carries the highest
// nal_ref_idc and the OR of the forbidden bits.
func (p *payloader) stapA(nalus [][]byte) {
	start := len(p.buf)
	p.buf = append(p.buf, naluSTAPA)
	for _, n := range nalus {
		header := &p.buf[start]
		*header |= n[0] & 0x80
		if n[0]&nalRefMask > *header&nalRefMask {
			*header = *header&^nalRefMask | n[0]&nalRefMask
		}
		p.buf = append(p.buf, byte(len(n)>>8), byte(len(n)))
		p.buf = append(p.buf, n...)
	}
	p.take(start)
}

// fuA splits a NAL unit (RFC 6184 §5.8).
func (p *payloader) fuA(nalu []byte) {
	indicator, kind := nalu[0]&^nalTypeMask|naluFUA, nalu[0]&nalTypeMask
	p.split(nalu[1:], 2, func(buf []byte, first, last bool) []byte {
		return append(buf, indicator, fuHeader(kind, first, last))
	})
}

// fuHeader is that of a fragment, in H.265 too (RFC 7798 §4.4.3).
func fuHeader(kind byte, first, last bool) byte {
	if first {
		kind |= fuStart
	}
	if last {
		kind |= fuEnd
	}
	return kind
}
