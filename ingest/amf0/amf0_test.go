package amf0_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/ingest/amf0"
)

// cases serve reading, writing and as fuzz seeds.
var cases = []struct {
	name  string
	bytes string
	value any
	alien bool // read, but never written
}{
	{name: "number", bytes: "\x00\x3f\xf0\x00\x00\x00\x00\x00\x00", value: 1.0},
	{name: "true", bytes: "\x01\x01", value: true},
	{name: "false", bytes: "\x01\x00", value: false},
	{name: "odd true", bytes: "\x01\x7f", value: true, alien: true},
	{name: "string", bytes: "\x02\x00\x03app", value: "app"},
	{name: "empty string", bytes: "\x02\x00\x00", value: ""},
	{name: "null", bytes: "\x05", value: nil},
	{name: "undefined", bytes: "\x06", value: nil, alien: true},
	{name: "unsupported", bytes: "\x0d", value: nil, alien: true},
	{name: "reference", bytes: "\x07\x00\x01", value: nil, alien: true},
	{name: "date", bytes: "\x0b\x3f\xf0\x00\x00\x00\x00\x00\x00\x00\x00", value: 1.0, alien: true},
	{name: "long string", bytes: "\x0c\x00\x00\x00\x02ab", value: "ab", alien: true},
	{name: "xml", bytes: "\x0f\x00\x00\x00\x04<a/>", value: "<a/>", alien: true},
	{name: "empty object", bytes: "\x03\x00\x00\x09", value: amf0.Object(nil)},
	{name: "object", bytes: "\x03\x00\x01a\x05\x00\x01b\x01\x01\x00\x00\x09", value: amf0.Object{{"a", nil}, {"b", true}}},
	{name: "empty key", bytes: "\x03\x00\x00\x01\x01\x00\x00\x09", value: amf0.Object{{"", true}}},
	{name: "ecma array", bytes: "\x08\xff\xff\xff\xff\x00\x01a\x05\x00\x00\x09", value: amf0.Object{{"a", nil}}, alien: true},
	{name: "typed object", bytes: "\x10\x00\x01T\x00\x01a\x05\x00\x00\x09", value: amf0.Object{{"a", nil}}, alien: true},
	{name: "strict array", bytes: "\x0a\x00\x00\x00\x02\x02\x00\x04hvc1\x02\x00\x04av01", value: []any{"hvc1", "av01"}},
	{name: "deepest", bytes: strings.Repeat("\x0a\x00\x00\x00\x01", amf0.MaxDepth) + "\x05", value: nested(amf0.MaxDepth)},
}

func nested(depth int) any {
	if depth == 0 {
		return nil
	}
	return []any{nested(depth - 1)}
}

// malformed are the inputs that killed go-rtmp, and their like.
var malformed = []struct{ name, bytes string }{
	{"strict array of 2^31-1 in 18 bytes", "\x02\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0a\x7f\xff\xff\xff"},
	{"strict array of 2^32-1", "\x0a\xff\xff\xff\xff\x05"},
	{"too deep arrays", strings.Repeat("\x0a\x00\x00\x00\x01", amf0.MaxDepth+1) + "\x05"},
	{"nested arrays, 64 KiB", strings.Repeat("\x0a\x00\x00\x00\x01", 13107)},
	{"nested objects, 64 KiB", strings.Repeat("\x03\x00\x01a", 16384)},
	{"unclosed object", "\x03\x00\x01a\x05"},
	{"object that ends in a key", "\x03\x00\x05a"},
	{"object without an end marker", "\x03\x00\x00"},
	{"short number", "\x00\x3f\xf0"},
	{"short string", "\x02\x00\x05app"},
	{"long string of 4 GiB", "\x0c\xff\xff\xff\xffa"},
	{"movie clip", "\x04"},
	{"object end", "\x09\x00"},
	{"record set", "\x0e"},
	{"AMF 3", "\x11\x01"},
	{"unknown marker", "\xff"},
}

func TestReader(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := amf0.NewReader([]byte(c.bytes))
			v, err := r.Next()
			if err != nil || !reflect.DeepEqual(v, c.value) {
				t.Fatalf("got %#v, %v; want %#v", v, err, c.value)
			}
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Fatalf("bytes left over: %v", err)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	for _, c := range cases {
		if c.alien {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if got := amf0.Append(nil, c.value); string(got) != c.bytes {
				t.Fatalf("got %q, want %q", got, c.bytes)
			}
		})
	}
}

func TestAppendLongString(t *testing.T) {
	s := strings.Repeat("x", 1<<16)
	v, err := amf0.NewReader(amf0.Append(nil, s)).Next()
	if err != nil || v != s {
		t.Fatalf("%d bytes do not survive: %v", len(s), err)
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, c := range malformed {
		t.Run(c.name, func(t *testing.T) {
			if err := readAll([]byte(c.bytes)); !errors.Is(err, amf0.ErrMalformed) {
				t.Fatalf("got %v, want ErrMalformed", err)
			}
		})
	}
}

// Depth and number of values are bounded, also over more than one Next.
func TestReaderLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("\x0a\x00\x00\x00\x01", n) + "\x05" }
	for _, c := range []struct {
		name, bytes string
		want        error
	}{
		{"as deep as may be", nested(amf0.MaxDepth), nil},
		{"deeper", nested(amf0.MaxDepth + 1), amf0.ErrLimit},
		{"as many as may be", strings.Repeat("\x05", amf0.MaxValues), nil},
		{"more", strings.Repeat("\x05", amf0.MaxValues+1), amf0.ErrLimit},
		{"more in an object", "\x03" + strings.Repeat("\x00\x01a\x05", amf0.MaxValues) + "\x00\x00\x09", amf0.ErrLimit},
		{"more in an array", "\x0a\x00\x00\x04\x01" + strings.Repeat("\x05", 1025), amf0.ErrLimit},
	} {
		if err := readAll([]byte(c.bytes)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestString(t *testing.T) {
	if _, err := amf0.NewReader([]byte{0x05}).String(); !errors.Is(err, amf0.ErrMalformed) {
		t.Fatalf("null is no string: %v", err)
	}
	if s, err := amf0.NewReader([]byte("\x02\x00\x01a")).String(); err != nil || s != "a" {
		t.Fatalf("got %q, %v", s, err)
	}
}

func TestObject(t *testing.T) {
	o := amf0.Object{{"app", "live"}, {"fpad", false}}
	if o.String("app") != "live" || o.String("fpad") != "" || o.Get("none") != nil {
		t.Fatalf("wrong properties of %v", o)
	}
}

// A message is at most 64 KiB; what reading it allocates must not be much more.
func TestReaderAllocatesInProportion(t *testing.T) {
	const size = 64 << 10
	for name, b := range map[string]string{
		"nulls":         "\x0a\x00\x00\xff\xfb" + strings.Repeat("\x05", size-5),
		"empty objects": "\x0a\x00\x00\x3f\xfe" + strings.Repeat("\x03\x00\x00\x09", size/4-2),
		"bombs":         strings.Repeat("\x0a\x00\x00\x40\x00", size/5),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = readAll([]byte(b))
		runtime.ReadMemStats(&after)
		bytes := after.TotalAlloc - before.TotalAlloc
		if bytes > 2*size {
			t.Errorf("%s: %d bytes allocated for a message of %d", name, bytes, len(b))
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.bytes))
	}
	for _, c := range malformed {
		f.Add([]byte(c.bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		once := reencode(b)
		if twice := reencode(once); !bytes.Equal(once, twice) {
			t.Fatalf("%q becomes %q", once, twice)
		}
	})
}

// reencode writes the values that can be read from b.
func reencode(b []byte) []byte {
	var out []byte
	for r := amf0.NewReader(b); ; {
		v, err := r.Next()
		if err != nil {
			return out
		}
		out = amf0.Append(out, v)
	}
}

func readAll(b []byte) error {
	for r := amf0.NewReader(b); ; {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Whoever sets limits gets those.
func TestReaderWithLimits(t *testing.T) {
	limits := amf0.Limits{Depth: 1, Values: 2}
	for text, want := range map[string]error{
		"\x0a\x00\x00\x00\x01\x05":                 nil,
		"\x0a\x00\x00\x00\x01\x0a\x00\x00\x00\x00": amf0.ErrLimit, // deeper
		"\x0a\x00\x00\x00\x02\x05\x05":             amf0.ErrLimit, // more
	} {
		if _, err := limits.NewReader([]byte(text)).Next(); !errors.Is(err, want) {
			t.Errorf("%x: %v, want %v", text, err, want)
		}
	}
}
