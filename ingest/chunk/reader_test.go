package chunk_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/ingest/chunk"
)

// got is a message in a form that is easily compared.
type got struct {
	Type     chunk.Type
	StreamID uint32
	Time     uint32
	Body     string
}

// h0, h1 and h2 are message headers of types 0 to 2 behind a basic header of
// one byte; extended timestamps follow where field is 0xffffff.
func h0(id byte, field, length uint32, t chunk.Type, streamID uint32) string {
	return h1(id, field, length, t)[:0] + string(id) + h1(id, field, length, t)[1:] +
		string(binary.LittleEndian.AppendUint32(nil, streamID))
}

func h1(id byte, field, length uint32, t chunk.Type) string {
	return string([]byte{
		1<<6 | id, byte(field >> 16), byte(field >> 8), byte(field),
		byte(length >> 16), byte(length >> 8), byte(length), byte(t),
	})
}

func h2(id byte, field uint32) string {
	return string([]byte{2<<6 | id, byte(field >> 16), byte(field >> 8), byte(field)})
}

func h3(id byte) string { return string([]byte{3<<6 | id}) }

func be32(v uint32) string { return string(binary.BigEndian.AppendUint32(nil, v)) }

func setSize(n uint32) string { return h0(2, 0, 4, chunk.SetChunkSize, 0) + be32(n) }

func rep(n int) string { return strings.Repeat("x", n) }

// tag is one part of an aggregate.
func tag(t chunk.Type, ms uint32, body string) string {
	n := uint32(len(body))
	return string([]byte{byte(t), byte(n >> 16), byte(n >> 8), byte(n), byte(ms >> 16), byte(ms >> 8), byte(ms), byte(ms >> 24), 0, 0, 0}) +
		body + be32(n+11)
}

const ext = 0xffffff

var cases = []struct {
	name string
	wire string
	want []got
}{
	{"one message", h0(4, 7, 3, chunk.Video, 1) + "abc", []got{{chunk.Video, 1, 7, "abc"}}},
	{"two-byte chunk stream id", "\x00\x00" + h0(0, 7, 3, chunk.Video, 1)[1:] + "abc", []got{{chunk.Video, 1, 7, "abc"}}},
	{
		"three-byte chunk stream id", "\x01\x10\x20" + h0(0, 7, 200, chunk.Video, 1)[1:] + rep(128) + "\xc1\x10\x20" + rep(72),
		[]got{{chunk.Video, 1, 7, rep(200)}},
	},
	{
		"all forms of the id name the same stream", "\x01\x00\x00" + h0(0, 7, 3, chunk.Video, 1)[1:] + "abc" + "\xc0\x00" + "def",
		[]got{{chunk.Video, 1, 7, "abc"}, {chunk.Video, 1, 14, "def"}},
	},
	{
		"ids 65 and 320 differ", "\x01\x00\x01" + h0(0, 7, 200, chunk.Video, 1)[1:] + rep(128) + "\x00\x01" + h0(0, 8, 1, chunk.Audio, 1)[1:] + "a" +
			"\xc1\x00\x01" + rep(72),
		[]got{{chunk.Audio, 1, 8, "a"}, {chunk.Video, 1, 7, rep(200)}},
	},
	{
		"headers of types 1, 2 and 3 inherit", h0(4, 100, 3, chunk.Audio, 1) + "abc" + h1(4, 20, 2, chunk.Video) + "de" +
			h2(4, 5) + "fg" + h3(4) + "hi",
		[]got{{chunk.Audio, 1, 100, "abc"}, {chunk.Video, 1, 120, "de"}, {chunk.Video, 1, 125, "fg"}, {chunk.Video, 1, 130, "hi"}},
	},
	{
		"type 3 after type 0 repeats its timestamp as delta", h0(4, 23, 1, chunk.Audio, 1) + "a" + h3(4) + "b" + h3(4) + "c",
		[]got{{chunk.Audio, 1, 23, "a"}, {chunk.Audio, 1, 46, "b"}, {chunk.Audio, 1, 69, "c"}},
	},
	{"type 1 header first, as librtmp pings", h1(2, 0, 6, chunk.UserControl) + "\x00\x06\x00\x00\x00\x01", []got{{chunk.UserControl, 0, 0, "\x00\x06\x00\x00\x00\x01"}}},
	{
		"timestamps wrap", h0(4, ext, 1, chunk.Audio, 1) + be32(0xfffffff0) + "a" + h1(4, 0x20, 1, chunk.Audio) + "b",
		[]got{{chunk.Audio, 1, 0xfffffff0, "a"}, {chunk.Audio, 1, 0x10, "b"}},
	},
	{
		"extended timestamp repeated in type 3 chunks", h0(4, ext, 300, chunk.Video, 1) + be32(17e6) + rep(128) +
			h3(4) + be32(17e6) + rep(128) + h3(4) + be32(17e6) + rep(44) + h0(4, ext, 1, chunk.Audio, 1) + be32(17e6+1) + "a",
		[]got{{chunk.Video, 1, 17e6, rep(300)}, {chunk.Audio, 1, 17e6 + 1, "a"}},
	},
	{
		"extended timestamp not repeated, as old senders do", h0(4, ext, 300, chunk.Video, 1) + be32(17e6) + rep(128) +
			h3(4) + rep(128) + h3(4) + rep(44) + h2(4, 9) + rep(128) + h3(4) + rep(128) + h3(4) + rep(44),
		[]got{{chunk.Video, 1, 17e6, rep(300)}, {chunk.Video, 1, 17e6 + 9, rep(300)}},
	},
	{
		"extended delta: a step back of 5 ms", h0(4, 100, 1, chunk.Audio, 1) + "a" + h1(4, ext, 200, chunk.Video) + be32(0xfffffffb) +
			rep(128) + h3(4) + be32(0xfffffffb) + rep(72),
		[]got{{chunk.Audio, 1, 100, "a"}, {chunk.Video, 1, 95, rep(200)}},
	},
	{
		"absolute timestamp repeated after an extended delta", h0(4, 0, 1, chunk.Audio, 1) + "a" + h1(4, ext, 1, chunk.Audio) + be32(1<<24) + "b" +
			h1(4, ext, 200, chunk.Video) + be32(1<<24) + rep(128) + h3(4) + be32(2<<24) + rep(72),
		[]got{{chunk.Audio, 1, 0, "a"}, {chunk.Audio, 1, 1 << 24, "b"}, {chunk.Video, 1, 2 << 24, rep(200)}},
	},
	{
		"type 3 begins a message with its own extended delta", h0(4, 0, 1, chunk.Audio, 1) + "a" + h1(4, ext, 1, chunk.Audio) + be32(1<<24) + "b" +
			h3(4) + be32(1<<24+1) + "c",
		[]got{{chunk.Audio, 1, 0, "a"}, {chunk.Audio, 1, 1 << 24, "b"}, {chunk.Audio, 1, 2<<24 + 1, "c"}},
	},
	{
		"chunks of two messages interleaved", h0(4, 1, 200, chunk.Audio, 1) + rep(128) + h0(6, 2, 130, chunk.Video, 1) + rep(128) +
			h3(4) + rep(72) + h3(6) + rep(2),
		[]got{{chunk.Audio, 1, 1, rep(200)}, {chunk.Video, 1, 2, rep(130)}},
	},
	{
		"chunk size changes between the chunks of a message", h0(4, 1, 300, chunk.Video, 1) + rep(128) + setSize(4096) + h3(4) + rep(172),
		[]got{{chunk.Video, 1, 1, rep(300)}},
	},
	{"chunk size above the greatest message", setSize(0x7fffffff) + h0(4, 1, 70000, chunk.Video, 1) + rep(70000), []got{{chunk.Video, 1, 1, rep(70000)}}},
	{"chunk size 1", setSize(1) + h0(4, 1, 3, chunk.Audio, 1) + "a" + h3(4) + "b" + h3(4) + "c", []got{{chunk.Audio, 1, 1, "abc"}}},
	{
		"abort", h0(4, 1, 300, chunk.Video, 1) + rep(128) + h0(2, 0, 4, chunk.Abort, 0) + be32(4) + h0(4, 2, 1, chunk.Audio, 1) + "a",
		[]got{{chunk.Audio, 1, 2, "a"}},
	},
	{"abort of an unknown chunk stream", h0(2, 0, 4, chunk.Abort, 0) + be32(9) + h0(4, 2, 1, chunk.Audio, 1) + "a", []got{{chunk.Audio, 1, 2, "a"}}},
	{
		"header inside a message that agrees continues it", h0(4, 1, 200, chunk.Video, 1) + rep(128) + h1(4, 0, 200, chunk.Video) + rep(72),
		[]got{{chunk.Video, 1, 1, rep(200)}},
	},
	{
		"other header inside a message begins the next", h0(4, 1, 300, chunk.Video, 1) + rep(128) + h0(4, 9, 3, chunk.Video, 1) + "abc",
		[]got{{chunk.Video, 1, 9, "abc"}},
	},
	{
		"empty messages", h0(4, 1, 0, chunk.Audio, 1) + h0(4, 2, 0, chunk.CommandAMF0, 0) + h3(4) + h0(2, 0, 0, chunk.SetChunkSize, 0) + h0(4, 3, 1, chunk.Audio, 1) + "a",
		[]got{{chunk.Audio, 1, 3, "a"}},
	},
	{
		"unknown types are skipped, data are not", h0(4, 1, 300, 99, 1) + rep(128) + h3(4) + rep(128) + h3(4) + rep(44) +
			h0(5, 1, 3, 18, 1) + "abc" + h0(5, 1, 3, 16, 1) + "abc" + h0(4, 2, 1, chunk.Audio, 1) + "a",
		[]got{{chunk.DataAMF0, 1, 1, "abc"}, {chunk.Audio, 1, 2, "a"}},
	},
	{"data of 64 KiB and a byte is skipped", setSize(ext) + h0(4, 1, chunk.MaxCommand+1, chunk.DataAMF0, 1) + rep(chunk.MaxCommand+1) + h0(4, 2, 1, chunk.Audio, 1) + "a", []got{{chunk.Audio, 1, 2, "a"}}},
	{"unknown type of the greatest length", setSize(ext) + h0(4, 1, ext, 99, 1) + rep(ext) + h0(4, 2, 1, chunk.Audio, 1) + "a", []got{{chunk.Audio, 1, 2, "a"}}},
	{"AMF 3 wrapper", h0(3, 1, 4, chunk.CommandAMF3, 0) + "\x00abc", []got{{chunk.CommandAMF0, 0, 1, "abc"}}},
	{"AMF 3 wrapper around nothing", h0(3, 1, 1, chunk.CommandAMF3, 0) + "\x00", nil},
	{
		"aggregate", setSize(4096) + h0(4, 1000, 68, chunk.Aggregate, 1) + tag(chunk.Audio, 500, "a1") + tag(chunk.Video, 520, "v1") +
			tag(18, 530, "meta") + tag(chunk.Audio, 523, "") + h0(4, 2000, 1, chunk.Audio, 1) + "a",
		[]got{{chunk.Audio, 1, 1000, "a1"}, {chunk.Video, 1, 1020, "v1"}, {chunk.Audio, 1, 2000, "a"}},
	},
	{
		"aggregate with 32-bit times", h0(4, 5, 17, chunk.Aggregate, 1) + tag(chunk.Audio, 0xfffffffe, "a1"),
		[]got{{chunk.Audio, 1, 5, "a1"}},
	},
	{
		"16 chunk streams", manyStreams(chunk.MaxStreams),
		[]got{{chunk.Audio, 1, 15, "a"}},
	},
}

// manyStreams leaves messages unfinished on all chunk streams but one.
func manyStreams(n int) string {
	var b strings.Builder
	for i := range n - 1 {
		b.WriteString(h0(byte(3+i), uint32(i), 1000, chunk.Audio, 1) + rep(128))
	}
	b.WriteString(h0(byte(2+n), uint32(n-1), 1, chunk.Audio, 1) + "a")
	return b.String()
}

// unfinished begins n messages of a length on chunk streams of their own.
func unfinished(n int, length uint32, t chunk.Type) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(h0(byte(3+i), 0, length, t, 1) + rep(128))
	}
	return b.String()
}

// unfinishedBut leaves one byte of each message unsent.
func unfinishedBut(n int, length uint32, t chunk.Type) string {
	var b strings.Builder
	b.WriteString(setSize(length - 1))
	for i := range n {
		b.WriteString(h0(byte(3+i), 0, length, t, 1) + rep(int(length-1)))
	}
	return b.String()
}

var refused = []struct {
	name string
	wire string
	want error
}{
	{"17 chunk streams", manyStreams(chunk.MaxStreams + 1), chunk.ErrStreams},
	{"command of 64 KiB and a byte", h0(3, 0, chunk.MaxCommand+1, chunk.CommandAMF0, 0), chunk.ErrMessage},
	{"AMF 3 command of 64 KiB and a byte", h0(3, 0, chunk.MaxCommand+1, chunk.CommandAMF3, 0), chunk.ErrMessage},
	{"video of 8 MiB and a byte", h0(3, 0, chunk.MaxMessage+1, chunk.Video, 1), chunk.ErrMessage},
	{"two unfinished messages of 8 MiB", unfinishedBut(2, chunk.MaxMessage, chunk.Video), chunk.ErrPending},
	{"unfinished messages of 1 MiB", unfinishedBut(13, 1<<20, chunk.Audio), chunk.ErrPending},
	{"unfinished messages of 16 MiB", unfinished(15, ext, chunk.Video), chunk.ErrMessage},
	{"type 3 header first", h3(4), chunk.ErrMalformed},
	{"type 2 header first", h2(4, 1) + "a", chunk.ErrMalformed},
	{"chunk size 0", setSize(0), chunk.ErrMalformed},
	{"chunk size with the upper bit", setSize(0x80000000), chunk.ErrMalformed},
	{"short chunk size", h0(2, 0, 3, chunk.SetChunkSize, 0) + "abc", chunk.ErrMalformed},
	{"short abort", h0(2, 0, 1, chunk.Abort, 0) + "a", chunk.ErrMalformed},
	{"AMF 3 command", h0(3, 0, 2, chunk.CommandAMF3, 0) + "\x11a", chunk.ErrMalformed},
	{"aggregate that ends in a header", h0(4, 0, 5, chunk.Aggregate, 1) + "\x08\x00\x00\x01\x00", chunk.ErrMalformed},
	{"aggregate that ends in a message", h0(4, 0, 16, chunk.Aggregate, 1) + tag(chunk.Audio, 0, "ab")[:16], chunk.ErrMalformed},
	{"end", "", io.EOF},
	{"end in a header", h0(4, 0, 5, chunk.Audio, 1)[:7], io.EOF},
	{"end in a message", h0(4, 0, 5, chunk.Audio, 1) + "abc", io.EOF},
	{"end in a skipped message", h0(4, 0, 5, 99, 1) + "abc", io.EOF},
}

func newReader(wire string) *chunk.Reader {
	r := chunk.NewReader(bufio.NewReader(strings.NewReader(wire)), chunk.Limits{})
	r.KeepMedia()
	return r
}

func readAll(r *chunk.Reader) (all []got, err error) {
	for {
		m, err := r.Next()
		if err != nil {
			return all, err
		}
		all = append(all, got{m.Type, m.StreamID, m.Timestamp, string(m.Body)})
	}
}

func TestReader(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			all, err := readAll(newReader(c.wire))
			if !errors.Is(err, io.EOF) || !reflect.DeepEqual(all, c.want) {
				t.Fatalf("got %.200v, %v\nwant %.200v", all, err, c.want)
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			if all, err := readAll(newReader(c.wire)); !errors.Is(err, c.want) {
				t.Fatalf("got %.200v, %v; want %v", all, err, c.want)
			}
		})
	}
}

// A client that has not been let in makes the Reader store commands only.
func TestReaderSkipsMedia(t *testing.T) {
	wire := unfinished(15, ext, chunk.Video) + h0(2, 0, 1, chunk.CommandAMF0, 0) + "c"
	r := chunk.NewReader(bufio.NewReader(strings.NewReader(wire+h0(2, 0, 1, chunk.Audio, 0)+"a")), chunk.Limits{})
	m, err := r.Next()
	if err != nil || m.Type != chunk.CommandAMF0 {
		t.Fatalf("got %v, %v; want the command", m, err)
	}
	r.KeepMedia()
	if m, err = r.Next(); err != nil || m.Type != chunk.Audio {
		t.Fatalf("got %v, %v; want the audio", m, err)
	}
}

// Finished messages give their memory back: a stream may be of any length.
func TestReaderRecyclesPending(t *testing.T) {
	begun := h0(5, 0, chunk.MaxMessage, chunk.Video, 1) + rep(128)
	abort := h0(2, 0, 4, chunk.Abort, 0) + be32(5)
	whole := h0(4, 0, chunk.MaxMessage, chunk.Video, 1) + rep(chunk.MaxMessage)
	replaced := begun + h0(5, 0, 1, chunk.Audio, 1) + "a"
	wire := begun + abort + begun + abort + replaced + replaced + setSize(ext) + whole + whole + whole
	all, err := readAll(newReader(wire))
	if !errors.Is(err, io.EOF) || len(all) != 5 {
		t.Fatalf("%d messages, %v; want 2 audio, 3 video", len(all), err)
	}
}

func TestAppend(t *testing.T) {
	for _, m := range []chunk.Message{
		{Type: chunk.Video, StreamID: 1, Timestamp: 7, Body: []byte("abc")},
		{Type: chunk.Audio, StreamID: 0x01020304, Timestamp: 0xffffff, Body: []byte("abc")},
		{Type: chunk.CommandAMF0, Timestamp: 0xfffffffe, Body: []byte("abc")},
	} {
		all, err := readAll(newReader(string(chunk.Append(nil, 3, m))))
		want := []got{{m.Type, m.StreamID, m.Timestamp, string(m.Body)}}
		if !errors.Is(err, io.EOF) || !reflect.DeepEqual(all, want) {
			t.Errorf("got %v, %v; want %v", all, err, want)
		}
	}
}

// A body that was read stays what it was until the next call, whatever the
// Reader recycles.
func TestBodiesAreNotShared(t *testing.T) {
	wire := h0(4, 0, 200, chunk.Video, 1) + rep(128) + h3(4) + rep(72) + // leaves its buffer
		h0(4, 1, 200, chunk.Video, 1) + strings.Repeat("v", 128) + h0(5, 1, 200, chunk.Audio, 1) + strings.Repeat("a", 128) +
		h3(4) + strings.Repeat("v", 72) + h0(6, 1, 3, chunk.Audio, 1) + "bbb" + h3(5) + strings.Repeat("a", 72)
	all, err := readAll(newReader(wire))
	want := []got{
		{chunk.Video, 1, 0, rep(200)}, {chunk.Video, 1, 1, strings.Repeat("v", 200)}, {chunk.Audio, 1, 1, "bbb"}, {chunk.Audio, 1, 1, strings.Repeat("a", 200)},
	}
	if !errors.Is(err, io.EOF) || !reflect.DeepEqual(all, want) {
		t.Fatalf("got %v, %v", all, err)
	}
}

func FuzzReader(f *testing.F) {
	for _, c := range cases {
		if len(c.wire) < 1<<16 {
			f.Add([]byte(c.wire))
		}
	}
	for _, c := range refused {
		if len(c.wire) < 1<<16 {
			f.Add([]byte(c.wire))
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := chunk.NewReader(bufio.NewReader(bytes.NewReader(wire)), chunk.Limits{})
		r.KeepMedia()
		for {
			m, err := r.Next()
			switch {
			case errors.Is(err, io.EOF), errors.Is(err, chunk.ErrLimit), errors.Is(err, chunk.ErrMalformed):
				return
			case err != nil:
				t.Fatalf("unnamed error: %v", err)
			case len(m.Body) == 0:
				t.Fatal("empty message")
			}
			again, err := newReader(setSize(chunk.MaxSize) + string(chunk.Append(nil, 3, m))).Next()
			if err != nil || again.Timestamp != m.Timestamp || again.StreamID != m.StreamID || !bytes.Equal(again.Body, m.Body) {
				t.Fatalf("%v does not survive being written: %v, %v", m, again, err)
			}
		}
	})
}

// Whoever sets limits gets those.
func TestReaderWithLimits(t *testing.T) {
	limits := chunk.Limits{Command: 10, Message: 200, Streams: 2}
	for _, c := range []struct {
		name, wire string
		want       error
	}{
		{"command", h0(3, 0, 10, chunk.CommandAMF0, 0) + rep(10), io.EOF},
		{"longer command", h0(3, 0, 11, chunk.CommandAMF0, 0), chunk.ErrMessage},
		{"longer message", h0(3, 0, 201, chunk.Video, 1), chunk.ErrMessage},
		{"2 chunk streams", h0(3, 0, 1, chunk.Audio, 1) + "a" + h0(4, 0, 1, chunk.Audio, 1) + "a", io.EOF},
		{"3 chunk streams", h0(3, 0, 1, chunk.Audio, 1) + "a" + h0(4, 0, 1, chunk.Audio, 1) + "a" + h0(5, 0, 1, chunk.Audio, 1), chunk.ErrStreams},
	} {
		r := chunk.NewReader(bufio.NewReader(strings.NewReader(c.wire)), limits)
		r.KeepMedia()
		if all, err := readAll(r); !errors.Is(err, c.want) {
			t.Errorf("%s: got %.200v, %v; want %v", c.name, all, err, c.want)
		}
	}
}
