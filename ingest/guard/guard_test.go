package guard_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/guard"
	"github.com/sluice-media/sluice/ingest/rtmptest"
)

// peer is a network connection whose other end has sent all it will.
type peer struct {
	in       *bytes.Reader
	out      bytes.Buffer
	deaf     bool      // does not read
	gone     bool      // has hung up
	deadline time.Time // for reading
	closed   bool
}

func (p *peer) Read(b []byte) (int, error) {
	if p.closed {
		return 0, net.ErrClosed
	}
	return p.in.Read(b)
}

func (p *peer) Write(b []byte) (int, error) {
	switch {
	case p.deaf:
		return 0, os.ErrDeadlineExceeded
	case p.gone:
		return 0, syscall.EPIPE
	}
	return p.out.Write(b)
}

func (p *peer) Close() error                      { p.closed = true; return nil }
func (p *peer) LocalAddr() net.Addr               { return &net.TCPAddr{} }
func (p *peer) RemoteAddr() net.Addr              { return &net.TCPAddr{} }
func (p *peer) SetDeadline(time.Time) error       { return nil }
func (p *peer) SetReadDeadline(t time.Time) error { p.deadline = t; return nil }
func (p *peer) SetWriteDeadline(time.Time) error  { return nil }

// outcome is what a guard made of a peer's bytes.
type outcome struct {
	passed  []string // to go-rtmp, or as media
	arrival time.Time
	replies []string // to the peer
	err     error
	conn    *guard.Conn
}

// run reads from a guard, as go-rtmp does, what it makes of the bytes in wire.
func run(t testing.TB, p *peer) outcome {
	t.Helper()
	var o outcome
	c := guard.New(p, guard.Config{Media: func(m chunk.Message, arrival time.Time) error {
		o.passed = append(o.passed, describe(m))
		o.arrival = arrival
		return nil
	}})
	o.conn = c
	up := chunk.NewReader(bufio.NewReader(accepting{c}), chunk.Limits{})
	if _, err := io.CopyN(io.Discard, c, 3073); err != nil {
		o.err = err
		return o
	}
	for {
		m, err := up.Next()
		if err != nil {
			break
		}
		o.passed = append(o.passed, describe(m))
	}
	o.err = c.Err()
	down := chunk.NewReader(bufio.NewReader(&p.out), chunk.Limits{})
	for {
		m, err := down.Next()
		if err != nil {
			return o
		}
		o.replies = append(o.replies, describe(m))
	}
}

// accepting accepts every publication, as soon as its command has passed.
type accepting struct{ *guard.Conn }

func (a accepting) Read(b []byte) (int, error) {
	n, err := a.Conn.Read(b)
	if a.Published() != 0 && err == nil {
		a.Accept()
	}
	return n, err
}

func describe(m chunk.Message) string {
	if values := rtmptest.Values(m); values != nil {
		return fmt.Sprintf("%d: %v", m.StreamID, values)
	}
	return fmt.Sprintf("%d: type %d at %d, %q", m.StreamID, m.Type, m.Timestamp, m.Body)
}

// wire returns the bytes of a client that sends commands.
func wire(messages ...chunk.Message) []byte {
	b := rtmptest.Handshake()
	for _, m := range messages {
		b = rtmptest.AppendChunks(b, rtmptest.Commands, 128, m)
	}
	return b
}

const (
	passedConnect = "0: [connect 1 [{app live} {type nonprivate} {flashVer FMLE/3.0 (compatible; FMSc/1.0)} {tcUrl rtmp://127.0.0.1/live}]]"
	passedCreate  = "0: [createStream 4 <nil>]"
	passedPublish = "1: [publish 5 <nil> cam live]"
)

var (
	connect = rtmptest.Connect("live")
	create  = rtmptest.Command(0, "createStream", 4.0, nil)
	publish = rtmptest.Command(1, "publish", 5.0, nil, "cam", "live")
	audio   = chunk.Message{Type: chunk.Audio, StreamID: 1, Timestamp: 9, Body: []byte("a")}
	video   = chunk.Message{Type: chunk.Video, StreamID: 7, Timestamp: 9, Body: []byte("v")}
	onFC    = "0: [onFCPublish 0 <nil> [{level status} {code NetStream.Publish.Start} {description FCPublish}]]"
	onFCUn  = "0: [onFCUnpublish 0 <nil> [{level status} {code NetStream.Unpublish.Success} {description FCUnpublish}]]"
)

var commandCases = []struct {
	name    string
	sent    []chunk.Message
	passed  []string // after connect
	replies []string
	err     error
}{
	{"publisher", []chunk.Message{create, publish, audio, video}, []string{
		passedCreate, passedPublish, `1: type 8 at 9, "a"`, `7: type 9 at 9, "v"`,
	}, nil, io.EOF},
	{"media before publish", []chunk.Message{create, audio, video, publish}, []string{passedCreate, passedPublish}, nil, io.EOF},
	{"releaseStream", []chunk.Message{rtmptest.Command(0, "releaseStream", 2.0, nil, "cam")}, nil, []string{"0: [_result 2 <nil> <nil>]"}, io.EOF},
	{"releaseStream with transaction 0 (GStreamer)", []chunk.Message{rtmptest.Command(0, "releaseStream", 0.0, nil, "cam")}, nil, nil, io.EOF},
	{"FCPublish", []chunk.Message{rtmptest.Command(0, "FCPublish", 3.0, nil, "cam")}, nil, []string{"0: [_result 3 <nil> <nil>]", onFC}, io.EOF},
	{"FCPublish with transaction 0 (GStreamer)", []chunk.Message{rtmptest.Command(0, "FCPublish", 0.0, nil, "cam")}, nil, []string{onFC}, io.EOF},
	{"_checkbw", []chunk.Message{rtmptest.Command(0, "_checkbw", 7.0, nil)}, nil, []string{"0: [_result 7 <nil> <nil>]"}, io.EOF},
	{"getStreamLength", []chunk.Message{rtmptest.Command(0, "getStreamLength", 7.0, nil, "cam")}, nil, []string{"0: [_result 7 <nil> 0]"}, io.EOF},
	{"FCUnpublish before publish", []chunk.Message{rtmptest.Command(0, "FCUnpublish", 7.0, nil, "cam"), create}, []string{passedCreate}, []string{"0: [_result 7 <nil> <nil>]", onFCUn}, io.EOF},
	{"deleteStream before publish", []chunk.Message{rtmptest.Command(0, "deleteStream", 7.0, nil, 1.0), create}, []string{passedCreate}, nil, io.EOF},
	{"FCUnpublish", []chunk.Message{create, publish, rtmptest.Command(0, "FCUnpublish", 0.0, nil, "cam"), audio}, []string{passedCreate, passedPublish}, []string{onFCUn}, guard.ErrUnpublished},
	{"deleteStream", []chunk.Message{create, publish, rtmptest.Command(0, "deleteStream", 7.0, nil, 1.0), audio}, []string{passedCreate, passedPublish}, nil, guard.ErrUnpublished},
	{"deleteStream of the key (GStreamer)", []chunk.Message{create, publish, rtmptest.Command(0, "deleteStream", 0.0, nil, "cam"), audio}, []string{passedCreate, passedPublish}, nil, guard.ErrUnpublished},
	{"deleteStream of another stream", []chunk.Message{create, publish, rtmptest.Command(0, "deleteStream", 7.0, nil, 2.0), audio}, []string{passedCreate, passedPublish, `1: type 8 at 9, "a"`}, nil, io.EOF},
	{"closeStream", []chunk.Message{create, publish, rtmptest.Command(1, "closeStream", 0.0, nil)}, []string{passedCreate, passedPublish}, nil, guard.ErrUnpublished},
	{"unknown command", []chunk.Message{rtmptest.Command(0, "hello", 7.0, nil), create}, []string{passedCreate}, nil, io.EOF},
	{"command without a transaction", []chunk.Message{rtmptest.Command(0, "releaseStream"), create}, []string{passedCreate}, nil, io.EOF},
	{"transaction that is no number", []chunk.Message{rtmptest.Command(0, "createStream", "4", nil)}, []string{"0: [createStream 0 <nil>]"}, nil, io.EOF},
	{"second publish", []chunk.Message{create, publish, create, rtmptest.Command(2, "publish", 5.0, nil, "cam2", "live")}, []string{passedCreate, passedPublish, passedCreate}, []string{
		"2: [onStatus 0 <nil> [{level error} {code NetStream.Publish.BadName} {description this connection publishes already}]]",
	}, guard.ErrProtocol},
	{"publish without a name", []chunk.Message{create, rtmptest.Command(1, "publish", 5.0, nil, false)}, []string{passedCreate}, []string{
		"1: [onStatus 0 <nil> [{level error} {code NetStream.Publish.Rejected} {description publish without a stream key}]]",
	}, guard.ErrProtocol},
	{"publish on a stream that was not created", []chunk.Message{publish}, nil, []string{
		"1: [onStatus 0 <nil> [{level error} {code NetStream.Publish.Rejected} {description publish on a stream that was not created}]]",
	}, guard.ErrProtocol},
	{"play", []chunk.Message{create, rtmptest.Command(1, "play", 5.0, nil, "cam")}, []string{passedCreate}, []string{
		"1: [onStatus 0 <nil> [{level error} {code NetStream.Play.Failed} {description this server takes publishers only}]]",
	}, guard.ErrPlay},
	{"second connect", []chunk.Message{connect}, nil, nil, guard.ErrProtocol},
	{"nine streams", slices.Repeat([]chunk.Message{create}, 9), slices.Repeat([]string{passedCreate}, 8), nil, guard.ErrProtocol},
	{"command that is no string", []chunk.Message{rtmptest.Command(0, 1.0)}, nil, nil, amf0.ErrMalformed},
	{"18 bytes that kill go-rtmp", []chunk.Message{{Type: chunk.CommandAMF0, Body: []byte("\x02\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0a\x7f\xff\xff\xff")}, create}, []string{passedCreate}, nil, io.EOF},
	{"ping", []chunk.Message{{Type: chunk.UserControl, Body: []byte("\x00\x06\x01\x02\x03\x04")}}, nil, []string{`0: type 4 at 0, "\x00\a\x01\x02\x03\x04"`}, io.EOF},
	{"other events", []chunk.Message{
		{Type: chunk.UserControl, Body: []byte("\x00\x1a\x00\x00\x00\x01")},
		{Type: chunk.UserControl, Body: []byte("\x00\x06")},
		{Type: chunk.UserControl, Body: []byte("\x00\x03\x00\x00\x00\x01\x00\x00\x0b\xb8")},
		create,
	}, []string{passedCreate}, nil, io.EOF},
}

func TestCommands(t *testing.T) {
	for _, c := range commandCases {
		t.Run(c.name, func(t *testing.T) {
			o := run(t, &peer{in: bytes.NewReader(wire(append([]chunk.Message{connect}, c.sent...)...))})
			if !errors.Is(o.err, c.err) {
				t.Errorf("ended by %v, want %v", o.err, c.err)
			}
			if want := append([]string{passedConnect}, c.passed...); !slices.Equal(o.passed, want) {
				t.Errorf("passed %q\nwant   %q", o.passed, want)
			}
			if !slices.Equal(o.replies, c.replies) {
				t.Errorf("replied %q\nwant    %q", o.replies, c.replies)
			}
		})
	}
}

// What go-rtmp cannot take in a connect object never reaches it.
func TestConnectIsMadeCanonical(t *testing.T) {
	object := "\x03" +
		"\x00\x03app\x0c\x00\x00\x00\x04live" + // a long string
		"\x00\x04type\x02\x00\x01\xff" + // no UTF-8
		"\x00\x05tcUrl\x06" + // undefined
		"\x00\x04fpad\x00\x00\x00\x00\x00\x00\x00\x00\x00" + // a number
		"\x00\x07pageUrl\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + // a date
		"\x00\x00\x09"
	body := append(amf0.Append(nil, "connect", 1.0), object...)
	o := run(t, &peer{in: bytes.NewReader(wire(chunk.Message{Type: chunk.CommandAMF0, Body: body}))})
	want := []string{"0: [connect 1 [{app live} {type \uFFFD} {flashVer } {tcUrl }]]"}
	if !slices.Equal(o.passed, want) {
		t.Fatalf("passed %q, %v; want %q", o.passed, o.err, want)
	}
}

func TestClientCapabilities(t *testing.T) {
	message := rtmptest.Command(0, "connect", 1.0, amf0.Object{
		{Key: "app", Value: "live"},
		{Key: "fourCcList", Value: []any{"hvc1", "av01", "toolong", 7.0, "*"}},
		{Key: "videoFourCcInfoMap", Value: amf0.Object{{Key: "*", Value: 4.0}, {Key: "vp09", Value: 7.0}, {Key: "x", Value: 1.0}}},
		{Key: "audioFourCcInfoMap", Value: "none"},
		{Key: "capsEx", Value: 3.0},
	})
	o := run(t, &peer{in: bytes.NewReader(wire(message))})
	want := guard.Abilities{
		FourCCs:      []string{"hvc1", "av01", "*"},
		VideoFourCCs: map[string]uint32{"*": 4, "vp09": 7},
		Capabilities: 3,
	}
	if got := o.conn.Client(); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestCommandsBeforeConnect(t *testing.T) {
	for _, m := range []chunk.Message{create, publish} {
		o := run(t, &peer{in: bytes.NewReader(wire(m))})
		if !errors.Is(o.err, guard.ErrProtocol) || o.passed != nil {
			t.Errorf("passed %q, %v; want ErrProtocol", o.passed, o.err)
		}
	}
}

func TestOtherProtocols(t *testing.T) {
	for first, want := range map[string]string{
		"GET / HTTP/1.1\r\n\r\n": "HTTP", "POST / HTTP/1.1\r\n\r\n": "HTTP",
		"\x16\x03\x01\x02\x00": "TLS", "\x06": "RTMPE", "\xff": "0xff",
	} {
		p := &peer{in: bytes.NewReader([]byte(first))}
		o := run(t, p)
		if !errors.Is(o.err, guard.ErrNotRTMP) || !strings.Contains(o.err.Error(), want) {
			t.Errorf("%q: %v; want ErrNotRTMP that says %s", first, o.err, want)
		}
		if p.out.Len() > 0 {
			t.Errorf("%q was answered", first)
		}
	}
}

func TestAcknowledgements(t *testing.T) {
	window := chunk.Message{Type: chunk.WindowAckSize, Body: []byte{0, 0, 0x40, 0}} // 16384
	messages := []chunk.Message{connect, window, create, publish}
	for range 10 {
		messages = append(messages, chunk.Message{Type: chunk.Video, StreamID: 1, Body: make([]byte, 10000)})
	}
	sent := wire(messages...)
	o := run(t, &peer{in: bytes.NewReader(sent)})
	var last uint32
	acks := 0
	for _, r := range o.replies {
		if body, ok := strings.CutPrefix(r, "0: type 3 at 0, "); ok {
			s, _ := strconv.Unquote(body)
			last = binary.BigEndian.Uint32([]byte(s))
			acks++
		}
	}
	if acks < 3 || last > uint32(len(sent)) || last < uint32(len(sent))-8192 {
		t.Fatalf("%d acknowledgements, the last of %d bytes; %d were sent", acks, last, len(sent))
	}
}

func TestDeafPeer(t *testing.T) {
	p := &peer{in: bytes.NewReader(wire(connect, create)), deaf: true}
	if o := run(t, p); !errors.Is(o.err, guard.ErrDeaf) || !p.closed {
		t.Fatalf("%v, closed %v; want ErrDeaf", o.err, p.closed)
	}
}

// go-rtmp's writer never learns of an error, and what the peer sent before it
// hung up is read to its end.
func TestPeerThatHungUp(t *testing.T) {
	p := &peer{in: bytes.NewReader(wire(connect, create, publish, audio)), gone: true}
	o := run(t, p)
	if want := []string{passedConnect, passedCreate, passedPublish, `1: type 8 at 9, "a"`}; !slices.Equal(o.passed, want) || !errors.Is(o.err, io.EOF) {
		t.Fatalf("passed %q, %v", o.passed, o.err)
	}
	if n, err := o.conn.Write([]byte("late")); n != 4 || err != nil {
		t.Fatalf("Write: %d, %v", n, err)
	}
}

// After its last word a guard lets go-rtmp say nothing more.
func TestRefuseMutes(t *testing.T) {
	p := &peer{in: bytes.NewReader(nil)}
	c := guard.New(p, guard.Config{})
	c.Refuse(1, "NetStream.Publish.BadName", "taken")
	told := p.out.Len()
	if n, err := c.Write([]byte("Failed")); n != 6 || err != nil || p.out.Len() != told || told == 0 {
		t.Fatalf("%d bytes written, %v, %d to the peer after %d", n, err, p.out.Len(), told)
	}
}

// A socket closed with bytes unread sends a reset, which makes some systems
// throw away what the peer has not read yet.
func TestLastWordsAreLeftTimeFor(t *testing.T) {
	rest := make([]byte, 1<<20)
	refused := &peer{in: bytes.NewReader(rest)}
	guard.New(refused, guard.Config{}).Refuse(1, "NetStream.Publish.BadName", "taken")

	fcUnpublish := rtmptest.Command(0, "FCUnpublish", 6.0, nil, "cam")
	left := &peer{in: bytes.NewReader(append(wire(connect, create, publish, fcUnpublish), rest...))}
	run(t, left).conn.Close()

	for name, p := range map[string]*peer{"refused": refused, "unpublished": left} {
		if wait := time.Until(p.deadline); p.in.Len() > 0 || wait > 500*time.Millisecond {
			t.Errorf("%s: %d bytes unread, %v to wait", name, p.in.Len(), wait)
		}
	}
	if !left.closed {
		t.Error("not closed")
	}
}

// Media come with the time at which they had been read whole, and an error of
// who takes them ends the connection.
func TestMedia(t *testing.T) {
	p := &peer{in: bytes.NewReader(wire(connect, create, publish, chunk.Message{Type: chunk.Video, StreamID: 1, Body: make([]byte, 700)}))}
	before := time.Now()
	o := run(t, p)
	if o.arrival.Before(before) || o.arrival.After(time.Now()) {
		t.Errorf("arrived at %v, want a time after %v", o.arrival, before)
	}

	enough := errors.New("enough")
	p = &peer{in: bytes.NewReader(wire(connect, create, publish, video, video))}
	n := 0
	c := guard.New(p, guard.Config{Media: func(chunk.Message, time.Time) error { n++; return enough }})
	if _, err := io.Copy(io.Discard, accepting{c}); !errors.Is(err, enough) || n != 1 {
		t.Errorf("%d messages, %v", n, err)
	}
}

// FuzzConn drives a guard alone: whatever the peer sends, only clean messages
// pass, and the end has a name.
func FuzzConn(f *testing.F) {
	f.Add([]byte(nil))
	for _, c := range commandCases {
		f.Add(wire(append([]chunk.Message{connect}, c.sent...)...)[3073:])
	}
	for _, seed := range rtmptest.Hostile() {
		f.Add(seed[3073:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &peer{in: bytes.NewReader(append(rtmptest.Handshake(), b...))}
		o := run(t, p)
		named := []error{
			io.EOF, chunk.ErrLimit, chunk.ErrMalformed, amf0.ErrMalformed,
			guard.ErrProtocol, guard.ErrPlay, guard.ErrUnpublished,
		}
		if !slices.ContainsFunc(named, func(e error) bool { return errors.Is(o.err, e) }) {
			t.Errorf("ended by %v", o.err)
		}
		for _, m := range o.passed {
			_, what, _ := strings.Cut(m, ": ")
			if !slices.ContainsFunc([]string{"[connect 1 [{app ", "[createStream ", "[publish ", "type 8 ", "type 9 "}, func(p string) bool {
				return strings.HasPrefix(what, p)
			}) {
				t.Errorf("passed %q", m)
			}
		}
	})
}
