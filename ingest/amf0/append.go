package amf0

import (
	"encoding/binary"
	"math"
)

// Append appends the encodings of values to dst: float64, bool, string, Object,
// []any and nil. It ignores a value of another type, as only constants of the
// caller could be one.
func Append(dst []byte, values ...any) []byte {
	for _, v := range values {
		dst = appendValue(dst, v)
	}
	return dst
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, markerNull)
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, markerNumber), math.Float64bits(v))
	case bool:
		if v {
			return append(dst, markerBoolean, 1)
		}
		return append(dst, markerBoolean, 0)
	case string:
		if len(v) > math.MaxUint16 {
			dst = binary.BigEndian.AppendUint32(append(dst, markerLongString), uint32(len(v)))
			return append(dst, v...)
		}
		return appendKey(append(dst, markerString), v)
	case []any:
		dst = binary.BigEndian.AppendUint32(append(dst, markerStrictArray), uint32(len(v)))
		return Append(dst, v...)
	case Object:
		dst = append(dst, markerObject)
		for _, p := range v {
			dst = appendValue(appendKey(dst, p.Key), p.Value)
		}
		return append(dst, 0, 0, markerObjectEnd) // §2.5: an empty key, then the end
	default:
		return dst
	}
}

func appendKey(dst []byte, key string) []byte {
	key = key[:min(len(key), math.MaxUint16)]
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(key))), key...)
}
