package egress

import "encoding/binary"

// The payload descriptor of VP9 (RFC 9628 §4.2).
const (
	vp9PictureID = 0x80
	vp9Predicted = 0x40
	vp9Flexible  = 0x10
	vp9Begins    = 0x08
	vp9Ends      = 0x04
)

// payloadVP9 splits a frame into payloads of equal size but the last. They are
// in flexible mode, where every picture says what it refers to: the one before,
// as nothing is left out between key frames. The picture ID differs from viewer
// to viewer, see numberVP9; here it is 0.
func payloadVP9(frame []byte, key bool) [][]byte {
	descriptor := []byte{vp9PictureID | vp9Flexible, 0x80, 0} // M: 15 bits
	if !key {
		descriptor[0] |= vp9Predicted
		descriptor = append(descriptor, 1<<1) // P_DIFF 1, the only one
	}
	p := newPayloader([][]byte{frame}, len(descriptor))
	p.split(frame, len(descriptor), func(buf []byte, first, last bool) []byte {
		at := len(buf)
		buf = append(buf, descriptor...)
		if first {
			buf[at] |= vp9Begins
		}
		if last {
			buf[at] |= vp9Ends
		}
		return buf
	})
	return p.payloads
}

// numberVP9 returns a payload with a viewer's picture ID in it, in buf. IDs of
// pictures that were replayed must not go back, or receivers drop them.
func numberVP9(buf, payload []byte, id uint16) []byte {
	buf = append(buf[:0], payload...)
	binary.BigEndian.PutUint16(buf[1:], 0x8000|id)
	return buf
}
