package contribute

import (
	"encoding/binary"
	"fmt"
)

// nalus collects NAL units, each behind its length in 4 bytes.
type nalus struct {
	fragment int // where the length of the NAL unit in pieces is, plus 1; 0: none is
}

func (n *nalus) complete() bool { return n.fragment == 0 }

// whole appends a NAL unit.
func (n *nalus) whole(picture, nalu []byte) ([]byte, error) {
	if n.fragment > 0 {
		return picture, fmt.Errorf("%w: a fragmented NAL unit has no end", errPicture)
	}
	picture = binary.BigEndian.AppendUint32(picture, uint32(len(nalu)))
	return append(picture, nalu...), nil
}

// aggregated appends NAL units that lie behind their lengths in 2 bytes.
func (n *nalus) aggregated(picture, list []byte) (_ []byte, err error) {
	for len(list) > 0 && err == nil {
		if len(list) < 2 {
			return picture, fmt.Errorf("%w: %d bytes behind the last NAL unit", errPicture, len(list))
		}
		size := int(binary.BigEndian.Uint16(list))
		if list = list[2:]; size > len(list) {
			return picture, fmt.Errorf("%w: NAL unit of %d bytes where %d are left", errPicture, size, len(list))
		}
		picture, err = n.whole(picture, list[:size])
		list = list[size:]
	}
	return picture, err
}

// piece appends a piece of a NAL unit whose header is given.
func (n *nalus) piece(picture, header, piece []byte, first, last bool) ([]byte, error) {
	switch {
	case first && n.fragment > 0:
		return picture, fmt.Errorf("%w: a fragmented NAL unit has no end", errPicture)
	case !first && n.fragment == 0:
		return picture, fmt.Errorf("%w: a fragmented NAL unit has no beginning", errPicture)
	case first:
		n.fragment = len(picture) + 1
		picture = append(picture, 0, 0, 0, 0)
		picture = append(picture, header...)
	}
	picture = append(picture, piece...)
	if last {
		at := n.fragment - 1
		binary.BigEndian.PutUint32(picture[at:], uint32(len(picture)-at-4))
		n.fragment = 0
	}
	return picture, nil
}

// h264Payloads are those of H.264 in packetization modes 0 and 1.
type h264Payloads struct{ nalus }

// append implements depayloader (RFC 6184 §5.6 single NAL unit, §5.7.1 STAP-A,
// §5.8 FU-A).
func (d *h264Payloads) append(picture, payload []byte) ([]byte, error) {
	const stapA, fuA, start, end = 24, 28, 0x80, 0x40
	switch t := payload[0] & 0x1f; {
	case t > 0 && t < stapA:
		return d.whole(picture, payload)
	case t == stapA:
		return d.aggregated(picture, payload[1:])
	case t == fuA && len(payload) > 2:
		header := payload[0]&0xe0 | payload[1]&0x1f
		return d.piece(picture, []byte{header}, payload[2:], payload[1]&start != 0, payload[1]&end != 0)
	default:
		return picture, fmt.Errorf("%w: %d bytes of type %d", errPicture, len(payload), t)
	}
}

// h265Payloads are those of H.265 in one RTP stream without DONL fields.
type h265Payloads struct{ nalus }

// append implements depayloader (RFC 7798 §4.4.1 single NAL unit, §4.4.2
// aggregation packet, §4.4.3 fragmentation unit).
func (d *h265Payloads) append(picture, payload []byte) ([]byte, error) {
	const aggregation, fragmentation, start, end = 48, 49, 0x80, 0x40
	if len(payload) < 3 {
		return picture, fmt.Errorf("%w: %d bytes", errPicture, len(payload))
	}
	switch t := payload[0] >> 1 & 0x3f; {
	case t < aggregation:
		return d.whole(picture, payload)
	case t == aggregation:
		return d.aggregated(picture, payload[2:])
	case t == fragmentation && len(payload) > 3:
		header := []byte{payload[0]&0x81 | payload[2]&0x3f<<1, payload[1]}
		return d.piece(picture, header, payload[3:], payload[2]&start != 0, payload[2]&end != 0)
	default:
		return picture, fmt.Errorf("%w: %d bytes of type %d", errPicture, len(payload), t)
	}
}
