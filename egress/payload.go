package egress

import (
	"fmt"

	"github.com/sluice-media/sluice/media"
)

// maxPayload is the largest RTP payload in bytes. With 12 bytes of RTP header,
// 16 of extensions, 2 of a retransmission's original sequence number, 16 of
// SRTP tag and 48 of UDP and IPv6 a packet stays below IPv6's minimum link MTU
// of 1280 bytes.
const maxPayload = 1184

// payload turns an access unit into RTP payloads.
func payload(au *media.AccessUnit) ([][]byte, error) {
	switch au.Codec {
	case media.H264:
		return payloadH264(au.NALUs), nil
	case media.H265:
		return payloadH265(au.NALUs), nil
	case media.AV1:
		return payloadAV1(au.NALUs, au.IDR), nil
	case media.VP9:
		return payloadVP9(au.NALUs[0], au.IDR), nil
	default:
		return nil, fmt.Errorf("packetize %s: not served over RTP", au.Codec)
	}
}

// payloader collects payloads, which are slices of one buffer.
type payloader struct {
	payloads [][]byte
	buf      []byte
}

// newPayloader makes room for units, which may be split into payloads with a
// header of so many bytes each.
func newPayloader(units [][]byte, header int) *payloader {
	count, size := 0, 0
	for _, u := range units {
		parts := 1 + len(u)/(maxPayload-header)
		count += parts
		size += len(u) + 3 + header*(parts+1)
	}
	return &payloader{payloads: make([][]byte, 0, count), buf: make([]byte, 0, size)}
}

// take makes what was appended since start one payload.
func (p *payloader) take(start int) {
	p.payloads = append(p.payloads, p.buf[start:len(p.buf):len(p.buf)])
}

// append makes parts one payload.
func (p *payloader) append(parts ...[]byte) {
	start := len(p.buf)
	for _, b := range parts {
		p.buf = append(p.buf, b...)
	}
	p.take(start)
}

// split makes payloads of equal size, but for the last, each behind a header of
// so many bytes, which header appends: that is what UDP segmentation offload
// asks for.
func (p *payloader) split(data []byte, size int, header func(buf []byte, first, last bool) []byte) {
	most := maxPayload - size
	parts := max((len(data)+most-1)/most, 1)
	each := (len(data) + parts - 1) / parts
	for i := range parts {
		n := min(each, len(data))
		start := len(p.buf)
		p.buf = append(header(p.buf, i == 0, i == parts-1), data[:n]...)
		p.take(start)
		data = data[n:]
	}
}

// aggregate returns how many of the first NAL units share one payload behind a
// header of so many bytes. Only small ones are worth it: slices stay packets of
// their own, so that losing one does not lose another.
func aggregate(nalus [][]byte, header int, isSlice func([]byte) bool) int {
	size := header
	for k, n := range nalus {
		size += 2 + len(n)
		if size > maxPayload || isSlice(n) {
			return max(k, 1)
		}
	}
	return len(nalus)
}
