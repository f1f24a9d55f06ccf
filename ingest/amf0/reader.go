package amf0

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Reader reads values from the bytes of one message. What it allocates is
// proportional to those bytes, whatever counts and lengths they announce.
type Reader struct {
	rest        []byte
	depth, most int // limits
	values      int // read so far
}

// NewReader returns a Reader of the values in b, within the default Limits.
func NewReader(b []byte) *Reader { return Limits{}.NewReader(b) }

// Next returns the next value: a float64 (a number, or a date in milliseconds
// since 1970), bool, string, Object, []any, or nil for null, undefined,
// unsupported and references. At the end it returns io.EOF.
func (r *Reader) Next() (any, error) {
	if len(r.rest) == 0 {
		return nil, io.EOF
	}
	return r.value(0)
}

// String returns the next value if it is a string.
func (r *Reader) String() (string, error) {
	v, err := r.Next()
	if err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%w: %T in place of a string", ErrMalformed, v)
	}
	return s, nil
}

func (r *Reader) value(depth int) (any, error) {
	if r.values++; r.values > r.most {
		return nil, fmt.Errorf("%w: more than %d values", ErrLimit, r.most)
	}
	marker, err := r.take(1)
	if err != nil {
		return nil, err
	}
	switch marker[0] {
	case markerNumber:
		return r.number()
	case markerBoolean:
		b, err := r.take(1)
		if err != nil {
			return nil, err
		}
		return b[0] != 0, nil
	case markerString:
		return r.string(2)
	case markerLongString, markerXML:
		return r.string(4)
	case markerDate:
		ms, err := r.number()
		if err != nil {
			return nil, err
		}
		_, err = r.take(2) // the time zone, reserved (§2.13)
		return ms, err
	case markerNull, markerUndefined, markerUnsupported:
		return nil, nil
	case markerReference:
		_, err := r.take(2)
		return nil, err
	default:
		return r.compound(marker[0], depth+1)
	}
}

func (r *Reader) compound(marker byte, depth int) (any, error) {
	if depth > r.depth {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrLimit, r.depth)
	}
	switch marker {
	case markerObject:
		return r.object(depth)
	case markerECMAArray:
		// The count is a hint only: an object end closes the array (§2.10).
		if _, err := r.take(4); err != nil {
			return nil, err
		}
		return r.object(depth)
	case markerTypedObject:
		if _, err := r.string(2); err != nil {
			return nil, err
		}
		return r.object(depth)
	case markerStrictArray:
		return r.array(depth)
	default:
		return nil, fmt.Errorf("%w: marker 0x%02x", ErrMalformed, marker)
	}
}

func (r *Reader) object(depth int) (Object, error) {
	var o Object
	for {
		key, err := r.string(2)
		if err != nil {
			return nil, err
		}
		if key == "" && len(r.rest) > 0 && r.rest[0] == markerObjectEnd {
			r.rest = r.rest[1:]
			return o, nil
		}
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		o = append(o, Property{key, v})
	}
}

func (r *Reader) array(depth int) ([]any, error) {
	b, err := r.take(4)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(b)
	// Each element takes one byte at least, so a greater count is a lie; this
	// is what keeps 18 bytes from allocating 32 GiB.
	if uint64(n) > uint64(len(r.rest)) {
		return nil, fmt.Errorf("%w: array of %d elements in %d bytes", ErrMalformed, n, len(r.rest))
	}
	if int(n) > r.most {
		return nil, fmt.Errorf("%w: array of %d elements", ErrLimit, n)
	}
	a := make([]any, n)
	for i := range a {
		if a[i], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (r *Reader) number() (float64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// string reads a length of lengthSize bytes (2 or 4) and that many bytes.
func (r *Reader) string(lengthSize int) (string, error) {
	b, err := r.take(lengthSize)
	if err != nil {
		return "", err
	}
	n := 0
	for _, c := range b {
		n = n<<8 | int(c)
	}
	b, err = r.take(n)
	return string(b), err
}

func (r *Reader) take(n int) ([]byte, error) {
	if n > len(r.rest) {
		return nil, fmt.Errorf("%w: %d bytes wanted, %d left", ErrMalformed, n, len(r.rest))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b, nil
}
