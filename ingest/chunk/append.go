package chunk

import "encoding/binary"

// AppendHeader appends the header of a message that is sent as one chunk of
// type 0 (§5.3.1.2.1) on chunk stream id, 2 to 63; its body follows.
func AppendHeader(dst []byte, id byte, m Message) []byte {
	field := min(m.Timestamp, 0xffffff)
	dst = append(dst, id, byte(field>>16), byte(field>>8), byte(field))
	n := len(m.Body)
	dst = append(dst, byte(n>>16), byte(n>>8), byte(n), byte(m.Type))
	dst = binary.LittleEndian.AppendUint32(dst, m.StreamID)
	if field == 0xffffff {
		dst = binary.BigEndian.AppendUint32(dst, m.Timestamp)
	}
	return dst
}

// Append appends a message as one chunk of type 0 on chunk stream id, 2 to 63.
func Append(dst []byte, id byte, m Message) []byte {
	return append(AppendHeader(dst, id, m), m.Body...)
}
