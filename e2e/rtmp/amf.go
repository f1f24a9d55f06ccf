package rtmp

import (
	"bytes"
	"encoding/binary"
	"math"
)

// object is an AMF0 object of strings, in order.
type object []struct{ name, value string }

// marshal writes values in AMF0: numbers, strings and objects, which are all
// that a publishing session needs, and null for everything else.
func marshal(values ...any) []byte {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case float64:
			b = append(b, 0x00)
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(v))
		case string:
			b = appendString(append(b, 0x02), v)
		case object:
			b = append(b, 0x03)
			for _, field := range v {
				b = appendString(b, field.name)
				b = appendString(append(b, 0x02), field.value)
			}
			b = append(b, 0, 0, 0x09)
		default:
			b = append(b, 0x05) // null
		}
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// contains looks for text in an answer; for our purposes an AMF0 decoder would
// tell no more.
func contains(body []byte, text string) bool { return bytes.Contains(body, []byte(text)) }
