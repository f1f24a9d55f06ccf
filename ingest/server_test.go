package ingest_test

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

func TestPublication(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam?token=abc&x=1")
	if r := s.request; r.App != "live" || r.Key != "cam" || s.stream != "live/cam" || r.Query.Get("token") != "abc" ||
		r.Agent != "FMLE/3.0 (compatible; FMSc/1.0)" || !r.RemoteAddr.Addr().IsLoopback() || r.RemoteAddr.Port() == 0 {
		t.Errorf("request %+v", r)
	}
	units, frames := mediatest.Video(121, 30), mediatest.AAC(20)
	c.Audio(rtmptest.AudioConfig(frames[0].Config, 0))
	for _, f := range frames {
		c.Audio(rtmptest.AudioFrame(f))
	}
	before := time.Now()
	sendVideo(c, units)
	s.wait(len(units), len(frames))

	for i, au := range s.Video() {
		if want := units[i]; !slices.EqualFunc(au.NALUs, want.NALUs, slices.Equal) || au.IDR != want.IDR {
			t.Fatalf("access unit %d is not what was sent", i)
		}
		if au.Arrival.Before(before) || au.Arrival.After(time.Now()) {
			t.Fatalf("access unit %d arrived at %v", i, au.Arrival)
		}
	}
	for i, f := range s.Audio() {
		if !slices.Equal(f.Data, frames[i].Data) {
			t.Fatalf("audio frame %d is not what was sent", i)
		}
	}
	for name, want := range map[string]float64{
		"frames_total": 141, "keyframes_total": 5, "keyframe_interval_seconds": 1, "frame_rate_hertz": 30,
		"timestamp_jumps_total": 0, "corrupt_tags_total": 0,
	} {
		if got := d.metric("sluice_ingest_"+name, "live/cam"); math.Abs(got-want) > .05 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if s.ctx.Err() != nil {
		t.Error("the context ended before the publication")
	}
	c.Command(0, "FCUnpublish", 6.0, nil, "cam")
	s.ended()
	<-s.ctx.Done()
	c.HungUp()
	if n := d.log.count("publication ended", "stream=live/cam", "cause=unpublished"); n != 1 {
		t.Errorf("%d lines about the end:\n%s", n, d.log)
	}
}

// The name is free as soon as the publisher is gone, however it went.
func TestPublicationEnds(t *testing.T) {
	for name, end := range map[string]func(*rtmptest.Client){
		"FCUnpublish":              func(c *rtmptest.Client) { c.Command(0, "FCUnpublish", 0.0, nil, "cam") },
		"deleteStream":             func(c *rtmptest.Client) { c.Command(0, "deleteStream", 0.0, nil, 1.0) },
		"deleteStream (GStreamer)": func(c *rtmptest.Client) { c.Command(0, "deleteStream", 0.0, nil, "cam") },
		"closeStream":              func(c *rtmptest.Client) { c.Command(1, "closeStream", 0.0, nil) },
		"FIN":                      func(c *rtmptest.Client) { c.Close() },
		"RST":                      func(c *rtmptest.Client) { c.Reset() },
		"malformed":                func(c *rtmptest.Client) { c.Write([]byte{0xff}) },
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, ingest.Config{})
			for range 3 {
				c, s := d.publishing("live", "cam")
				sendVideo(c, mediatest.Video(2, 30))
				s.wait(2, 0)
				end(c)
				s.ended()
			}
			d.eventually("no connection is open", func() bool { return d.metric("sluice_ingest_connections", "") == 0 })
		})
	}
}

// What a publisher sent before it hung up arrives whole.
func TestNothingIsLostAtTheEnd(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	sendVideo(c, mediatest.Video(100, 30))
	c.Command(0, "FCUnpublish", 6.0, nil, "cam")
	c.Close()
	s.ended()
	if n := len(s.Video()); n != 100 {
		t.Fatalf("%d of 100 access units", n)
	}
}

func TestAggregates(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	units := mediatest.Video(3, 30)
	messages := []chunk.Message{rtmptest.VideoConfig(units[0].ParameterSets, 0)}
	for _, au := range units {
		messages = append(messages, rtmptest.VideoFrame(au))
	}
	c.Video(rtmptest.Aggregate(messages...))
	s.wait(3, 0)
}

// Corrupt tags are counted, told of once a second, and the stream goes on.
func TestCorruptTags(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	units := mediatest.Video(60, 30)
	sendVideo(c, units[:10])
	for range 50 {
		c.Video(chunk.Message{Type: chunk.Video, StreamID: 1, Timestamp: 300, Body: []byte{0x27, 1, 0, 0, 0, 0, 0, 9, 9, 1}})
	}
	for _, au := range units[10:] {
		c.Video(rtmptest.VideoFrame(au))
	}
	s.wait(10+30, 0) // the rest of the broken GOP is lost
	d.eventually("50 corrupt tags are counted", func() bool { return d.metric("sluice_ingest_corrupt_tags_total", "live/cam") == 50 })
	if n := d.log.count("corrupt tags skipped", "count=1 "); n != 1 {
		t.Errorf("%d lines at once:\n%s", n, d.log)
	}
	c.Close()
	s.ended()
	d.eventually("the rest is told of at the end", func() bool { return d.log.count("corrupt tags skipped") == 2 })
	if d.log.count("corrupt tags skipped", "count=49") != 1 {
		t.Errorf("the rest is not told of:\n%s", d.log)
	}
}

func TestWriterError(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	s.Fail(errors.New("hub closed"))
	sendVideo(c, mediatest.Video(5, 30))
	s.ended()
	c.HungUp()
	d.eventually("the reason is counted", func() bool { return d.refusals("stream_ended") == 1 })
}

// Whoever accepted a publication can end it.
func TestRequestEnd(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	s.request.End(errors.New("another took over"))
	s.ended()
	c.HungUp()
	d.eventually("the reason is counted", func() bool { return d.refusals("ended") == 1 })
	if d.log.count("publication ended", "another took over") != 1 {
		t.Errorf("the log does not tell why:\n%s", d.log)
	}
}

// Whoever accepted a publication can tell the publisher something; it goes on.
func TestRequestTell(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	s.request.Tell("it has B-frames")
	if code, text := c.Status(); code != "NetStream.Publish.Warning" || text != "it has B-frames" {
		t.Errorf("told %s, %q", code, text)
	}
	sendVideo(c, mediatest.Video(2, 30))
	s.wait(2, 0)
}

func TestClose(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	silent := rtmptest.Dial(t, d.addr)
	shaken := rtmptest.Dial(t, d.addr)
	shaken.Handshake()
	d.eventually("three connections are open", func() bool { return d.metric("sluice_ingest_connections", "") == 3 })
	if err := d.server.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.closed:
	default:
		t.Error("Close did not wait for the publication")
	}
	if n := d.metric("sluice_ingest_connections", ""); n != 0 {
		t.Errorf("%v connections are open after Close", n)
	}
	c.HungUp()
	shaken.HungUp()
	silent.Close()
	if _, err := net.Dial("tcp", d.addr.String()); err == nil {
		t.Error("the port is open after Close")
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	if err := d.server.Serve(l); !errors.Is(err, ingest.ErrClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
}

func TestServeTellsOfAClosedListener(t *testing.T) {
	d := newDesk(t)
	s, err := ingest.New(d.config(ingest.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	l.Close()
	if err := s.Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
	s.Close()
}

func TestNewChecksItsConfig(t *testing.T) {
	good := newDesk(t).config(ingest.Config{})
	for name, change := range map[string]func(*ingest.Config){
		"no Publish": func(c *ingest.Config) { c.Publish = nil },
		"no Metrics": func(c *ingest.Config) { c.Metrics = nil },
	} {
		cfg := good
		change(&cfg)
		if _, err := ingest.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConnectionLimits(t *testing.T) {
	for reason, cfg := range map[string]ingest.Config{
		"too_many_connections":  {MaxConnections: 3},
		"too_many_from_address": {MaxPerAddress: 3},
	} {
		t.Run(reason, func(t *testing.T) {
			d := serve(t, cfg)
			var clients []*rtmptest.Client
			for range 3 {
				c := rtmptest.Dial(t, d.addr)
				c.Handshake()
				clients = append(clients, c)
			}
			one, _ := net.Dial("tcp", d.addr.String())
			defer one.Close()
			if n, err := one.Read(make([]byte, 1)); err == nil {
				t.Fatalf("the fourth connection got %d bytes", n)
			}
			if d.refusals(reason) != 1 {
				t.Errorf("not counted as %s", reason)
			}
			clients[0].Close()
			d.eventually("one has gone", func() bool { return d.metric("sluice_ingest_connections", "") == 2 })
			rtmptest.Dial(t, d.addr).Handshake()
		})
	}
}

// failing is a listener that runs out of files for some time.
type failing struct {
	net.Listener
	until time.Time
	calls int
}

// Accept implements net.Listener.
func (f *failing) Accept() (net.Conn, error) {
	f.calls++
	if time.Now().Before(f.until) {
		return nil, errors.New("accept4: too many open files")
	}
	return f.Listener.Accept()
}

func TestAcceptWaitsErrorsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &failing{Listener: newPipes(), until: time.Now().Add(10 * time.Second)}
		d := serveOn(t, ingest.Config{}, l)
		dial(t, l.Listener).Handshake()
		synctest.Wait()
		if l.calls > 25 {
			t.Errorf("Accept was called %d times in 10 s", l.calls)
		}
		if n := d.metric("sluice_ingest_accept_errors_total", ""); n != float64(l.calls-2) && n != float64(l.calls-1) {
			t.Errorf("%v errors counted of %d calls", n, l.calls)
		}
		if n := d.log.count("accepting RTMP connections fails"); n < 5 || n > 11 {
			t.Errorf("%d lines in 10 s:\n%s", n, d.log)
		}
	})
}

func TestTimestampJumps(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	sendVideo(c, mediatest.VideoStream{Start: time.Hour}.AccessUnits(10))
	sendVideo(c, mediatest.VideoStream{}.AccessUnits(10)) // the encoder began again
	s.wait(20, 0)
	if n := d.metric("sluice_ingest_timestamp_jumps_total", "live/cam"); n != 1 {
		t.Errorf("%v jumps counted", n)
	}
}

// ffmpeg, GStreamer and OBS differ in the chunk sizes they send; any works, at
// any time.
func TestChunkSizes(t *testing.T) {
	d := serve(t, ingest.Config{})
	for _, size := range []uint32{1, 128, 4096, 65536, 0xffffff, 0x7fffffff} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			c, s := d.publishing("live", "cam")
			c.Send(rtmptest.Protocol, chunk.Message{Type: chunk.SetChunkSize, Body: []byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}})
			c.ChunkSize = int(size)
			sendVideo(c, []*media.AccessUnit{mediatest.Video(1, 1)[0]})
			s.wait(1, 0)
			c.Close()
			s.ended()
		})
	}
}

// A publisher that asks for no acknowledgements gets none: go-rtmp's would
// count bytes that were never on the wire.
func TestNoAcknowledgementsUnasked(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	c.ChunkSize = 4096
	c.Send(rtmptest.Protocol, chunk.Message{Type: chunk.SetChunkSize, Body: []byte{0, 0, 16, 0}})
	sendVideo(c, mediatest.VideoStream{GOP: 1, IDRSize: 1 << 20}.AccessUnits(4))
	s.wait(4, 0)
	c.Command(0, "FCUnpublish", 6.0, nil, "cam")
	for {
		m, ok := c.Next()
		if !ok {
			return
		}
		if m.Type == chunk.Acknowledgement {
			t.Fatal("acknowledged")
		}
	}
}

// connect is answered with the server's abilities (Enhanced RTMP v2).
func TestConnectIsAnsweredWithAbilities(t *testing.T) {
	d := serve(t, ingest.Config{})
	c := rtmptest.Dial(t, d.addr)
	c.Handshake()
	c.Send(rtmptest.Commands, rtmptest.Connect("live"))
	values := c.Expect("_result")
	properties, _ := values[1].(amf0.Object)
	info, _ := values[2].(amf0.Object)
	if info.String("code") != "NetConnection.Connect.Success" || properties.String("fmsVer") == "" {
		t.Errorf("answered %v", values)
	}
	got := fmt.Sprint(properties.Get("fourCcList"), properties.Get("videoFourCcInfoMap"), properties.Get("audioFourCcInfoMap"), properties.Get("capsEx"))
	if want := "[avc1 hvc1 av01 vp09 mp4a .mp3 Opus] [{av01 4} {avc1 4} {hvc1 4} {vp09 4}] [{.mp3 4} {Opus 4} {mp4a 4}] 14"; got != want {
		t.Errorf("abilities %s, want %s", got, want)
	}
	c.Command(0, "createStream", 4.0, nil)
	if values := c.Expect("_result"); values[0] != 4.0 {
		t.Errorf("createStream is answered %v", values)
	}
}
