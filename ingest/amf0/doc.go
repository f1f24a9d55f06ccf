// Package amf0 reads and writes AMF 0, the encoding of RTMP's commands, with
// bounds that hold against any input.
//
// Specification: Action Message Format – AMF 0 (Adobe, 2007).
//
// It is pure: no goroutine, no I/O, no state but the bytes it was given.
package amf0

import (
	"cmp"
	"errors"
	"fmt"
)

// MaxDepth is the default bound of the nesting of objects and arrays. Publishers
// nest two deep (a map of codecs in the connect object); the bound keeps hostile
// input off the stack.
const MaxDepth = 8

// MaxValues is the default bound of the values of one Reader, those in objects and
// arrays included: each takes 16 to 48 bytes of memory. Publishers send 20 to 60.
const MaxValues = 1024

// Limits bound what a Reader takes. The zero value of a field means its default.
type Limits struct{ Depth, Values int }

// NewReader returns a Reader of the values in b.
func (l Limits) NewReader(b []byte) *Reader {
	return &Reader{rest: b, depth: cmp.Or(l.Depth, MaxDepth), most: cmp.Or(l.Values, MaxValues)}
}

var (
	// ErrMalformed is wrapped by every error of a Reader but io.EOF.
	ErrMalformed = errors.New("malformed AMF 0")

	// ErrLimit is wrapped by those about values beyond the Limits.
	ErrLimit = fmt.Errorf("%w: beyond limits", ErrMalformed)
)

// The type markers (AMF 0 §2.1).
const (
	markerNumber      = 0x00
	markerBoolean     = 0x01
	markerString      = 0x02
	markerObject      = 0x03
	markerNull        = 0x05
	markerUndefined   = 0x06
	markerReference   = 0x07
	markerECMAArray   = 0x08
	markerObjectEnd   = 0x09
	markerStrictArray = 0x0a
	markerDate        = 0x0b
	markerLongString  = 0x0c
	markerUnsupported = 0x0d
	markerXML         = 0x0f
	markerTypedObject = 0x10
)

// Object holds the properties of an object or an ECMA array in their order.
type Object []Property

// Property is one key of an Object with its value.
type Property struct {
	Key   string
	Value any
}

// Get returns the value of the first property called key; nil: there is none.
func (o Object) Get(key string) any {
	for _, p := range o {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

// String returns the property called key if it is a string, else "".
func (o Object) String(key string) string {
	s, _ := o.Get(key).(string)
	return s
}
