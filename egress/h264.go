package egress

// maxPayload is the largest RTP payload in bytes. With 12 bytes of RTP header,
// 16 of extensions, 2 of a retransmission's original sequence number, 16 of
// SRTP tag and 48 of UDP and IPv6 a packet stays below IPv6's minimum link MTU
// of 1280 bytes.
const maxPayload = 1184

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
	count, size := 0, 0
	for _, n := range nalus {
		count += 1 + len(n)/(maxPayload-2)
		size += len(n) + 3 + 2*(len(n)/(maxPayload-2)+1)
	}
	p := payloader{payloads: make([][]byte, 0, count), buf: make([]byte, 0, size)}
	for len(nalus) > 0 {
		k := aggregate(nalus)
		switch {
		case k > 1:
			p.stapA(nalus[:k])
		case len(nalus[0]) > maxPayload:
			p.fuA(nalus[0])
		default:
			p.single(nalus[0])
		}
		nalus = nalus[k:]
	}
	return p.payloads
}

// aggregate returns how many of the first NAL units share one payload. Only
// small ones are worth it: slices stay packets of their own, so that losing
// one does not lose another.
func aggregate(nalus [][]byte) int {
	size := 1
	for k, n := range nalus {
		size += 2 + len(n)
		if size > maxPayload || isSlice(n) {
			return max(k, 1)
		}
	}
	return len(nalus)
}

// isSlice reports whether a NAL unit is a coded slice (nal_unit_type 1 to 5,
// ITU-T H.264 table 7-1).
func isSlice(n []byte) bool {
	t := n[0] & nalTypeMask
	return t >= 1 && t <= 5
}

type payloader struct {
	payloads [][]byte
	buf      []byte
}

// take makes what was appended since start one payload.
func (p *payloader) take(start int) {
	p.payloads = append(p.payloads, p.buf[start:len(p.buf):len(p.buf)])
}

func (p *payloader) single(nalu []byte) {
	start := len(p.buf)
	p.buf = append(p.buf, nalu...)
	p.take(start)
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
	const most = maxPayload - 2
	header, rest := nalu[0], nalu[1:]
	parts := (len(rest) + most - 1) / most
	each := (len(rest) + parts - 1) / parts
	for first := true; len(rest) > 0; first = false {
		n := min(each, len(rest))
		fu := header & nalTypeMask
		if first {
			fu |= fuStart
		}
		if n == len(rest) {
			fu |= fuEnd
		}
		start := len(p.buf)
		p.buf = append(p.buf, header&^nalTypeMask|naluFUA, fu)
		p.buf = append(p.buf, rest[:n]...)
		p.take(start)
		rest = rest[n:]
	}
}
