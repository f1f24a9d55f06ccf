package egress

const (
	h265AP = 48
	h265FU = 49

	h265HeaderSize = 2
)

// payloadH265 turns an access unit's NAL units into RTP payloads without DONL
// (sprop-max-don-diff 0), as payloadH264 does.
//
// Specification: RFC 7798 §4.4.
func payloadH265(nalus [][]byte) [][]byte {
	p := newPayloader(nalus, h265HeaderSize+1)
	for len(nalus) > 0 {
		k := aggregate(nalus, h265HeaderSize, isH265Slice)
		switch {
		case k > 1:
			p.h265Aggregate(nalus[:k])
		case len(nalus[0]) > maxPayload:
			p.h265Fragments(nalus[0])
		default:
			p.append(nalus[0])
		}
		nalus = nalus[k:]
	}
	return p.payloads
}

// isH265Slice reports whether a NAL unit is a coded slice (ITU-T H.265 table
// 7-1: below 32).
func isH265Slice(n []byte) bool { return n[0]>>1&0x3f < 32 }

// h265Header makes a payload header of a NAL unit's: another type, the rest as
// it was.
func h265Header(nalu []byte, kind byte) []byte {
	return []byte{nalu[0]&0x81 | kind<<1, nalu[1]}
}

// h265Aggregate puts NAL units into an aggregation packet (RFC 7798 §4.4.2).
// All are of layer 0; its temporal id is their lowest.
func (p *payloader) h265Aggregate(nalus [][]byte) {
	lowest := nalus[0]
	parts := make([][]byte, 1, 1+2*len(nalus))
	for _, n := range nalus {
		if n[1]&7 < lowest[1]&7 {
			lowest = n
		}
		parts = append(parts, []byte{byte(len(n) >> 8), byte(len(n))}, n)
	}
	parts[0] = h265Header(lowest, h265AP)
	p.append(parts...)
}

// h265Fragments splits a NAL unit into fragmentation units (RFC 7798 §4.4.3).
func (p *payloader) h265Fragments(nalu []byte) {
	header, kind := h265Header(nalu, h265FU), nalu[0]>>1&0x3f
	p.split(nalu[h265HeaderSize:], h265HeaderSize+1, func(buf []byte, first, last bool) []byte {
		return append(append(buf, header...), fuHeader(kind, first, last))
	})
}
