package ingest_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media/mediatest"
)

// Clients that come to nothing are hung up on when their time is over.
func TestTimeLimits(t *testing.T) {
	trickle := func(c net.Conn) {
		for _, b := range rtmptest.Session("live", "cam") {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Second) // on the test's own clock
		}
	}
	for _, c := range []struct {
		name   string
		cfg    ingest.Config
		send   func(net.Conn)
		want   time.Duration
		reason string
	}{
		{"nothing", ingest.Config{}, func(net.Conn) {}, 10 * time.Second, "publish_timeout"},
		{"half a handshake", ingest.Config{}, func(c net.Conn) { c.Write(rtmptest.Handshake()[:1000]) }, 10 * time.Second, "publish_timeout"},
		{"a byte a second", ingest.Config{}, trickle, 10 * time.Second, "publish_timeout"},
		{"no publish", ingest.Config{PublishTimeout: 3 * time.Second}, func(c net.Conn) {
			c.Write(chunk.Append(rtmptest.Handshake(), rtmptest.Commands, rtmptest.Connect("live")))
		}, 3 * time.Second, "publish_timeout"},
		{"no media", ingest.Config{}, func(c net.Conn) { c.Write(rtmptest.Session("live", "cam")) }, 30 * time.Second, "idle_timeout"},
		{"no media but pings", ingest.Config{IdleTimeout: 5 * time.Second}, func(c net.Conn) {
			c.Write(rtmptest.Session("live", "cam"))
			ping := chunk.Append(nil, rtmptest.Protocol, chunk.Message{Type: chunk.UserControl, Body: make([]byte, 6)})
			for {
				time.Sleep(time.Second) // on the test's own clock
				if _, err := c.Write(ping); err != nil {
					return
				}
			}
		}, 5 * time.Second, "idle_timeout"},
		{"media for 20 s", ingest.Config{IdleTimeout: 5 * time.Second}, func(c net.Conn) {
			c.Write(rtmptest.Session("live", "cam"))
			frame := chunk.Append(nil, rtmptest.AudioID, rtmptest.AudioFrame(mediatest.AAC(1)[0]))
			for range 20 {
				time.Sleep(time.Second) // on the test's own clock
				c.Write(frame)
			}
		}, 25 * time.Second, "idle_timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				d := serveOn(t, c.cfg, l)
				start := time.Now()
				conn := l.connect()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					c.send(conn)
				}()
				_, _ = io.Copy(io.Discard, conn) // until the server hangs up
				took := time.Since(start)
				conn.Close()
				<-sent
				if took < c.want || took > c.want+time.Second {
					t.Errorf("hung up on after %v, want %v", took, c.want)
				}
				synctest.Wait()
				if d.refusals(c.reason) != 1 {
					t.Errorf("not counted as %s; the log:\n%s", c.reason, d.log)
				}
			})
		})
	}
}

// A client that sends but never reads holds nothing up for longer than the
// write limit.
func TestClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		d := serveOn(t, ingest.Config{}, l)
		conn := l.connect()
		defer conn.Close()
		start := time.Now()
		for err := error(nil); err == nil; {
			_, err = conn.Write(rtmptest.Session("live", "cam")) // a pipe blocks the server's first write
		}
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("held for %v", took)
		}
		synctest.Wait()
		if n := d.metric("sluice_ingest_connections", ""); n != 0 {
			t.Errorf("%v connections are open", n)
		}
	})
}

func TestOtherProtocols(t *testing.T) {
	for _, first := range []string{
		"GET /live/cam HTTP/1.1\r\nHost: example.com\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"\xde\xad\xbe\xef",
	} {
		d := serve(t, ingest.Config{})
		conn, err := net.Dial("tcp", d.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(first))
		if b, _ := io.ReadAll(conn); len(b) > 0 {
			t.Errorf("%q was answered with %q", first, b)
		}
		conn.Close()
		d.eventually("it is counted", func() bool { return d.refusals("not_rtmp") == 1 })
		if n := d.log.count("level=WARN"); n != 1 {
			t.Errorf("%d lines in the log:\n%s", n, d.log)
		}
	}
}

// What kills or exhausts go-rtmp ends its own connection and nothing else:
// twenty such clients at a time, again and again, do not disturb a publisher.
func TestHostileClientsDisturbNobody(t *testing.T) {
	d := serve(t, ingest.Config{})
	good, s := d.publishing("live", "good")
	units := mediatest.Video(300, 30)
	sendVideo(good, units[:100])

	const atOnce = 20
	var hostile [][]byte
	for _, b := range rtmptest.Hostile() {
		hostile = append(hostile, b)
	}
	done := make(chan struct{})
	for i := range atOnce {
		go func() {
			defer func() { done <- struct{}{} }()
			for k := range 4 {
				attack(d, hostile[(i+k)%len(hostile)])
			}
		}()
	}
	for _, au := range units[100:] {
		good.Video(rtmptest.VideoFrame(au))
	}
	for range atOnce {
		<-done
	}
	s.wait(len(units), 0)

	d.eventually("they are gone", func() bool { return d.metric("sluice_ingest_connections", "") == 1 })
	if n := d.refusals("internal"); n != 0 {
		t.Errorf("%v times go-rtmp gave up; the log:\n%s", n, d.log)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapSys > 512<<20 {
		t.Errorf("%d MiB of heap", m.HeapSys>>20)
	}
}

// attack sends bytes, hangs up its side and waits for the server to follow.
func attack(d *desk, b []byte) {
	conn, err := net.Dial("tcp", d.addr.String())
	if err != nil {
		d.t.Error(err)
		return
	}
	defer conn.Close()
	go func() {
		conn.Write(b)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		d.t.Error("the server does not hang up")
	}
}

// A client that hangs up amid the replies leaves at once: go-rtmp would wait
// 3 s for them to be written.
func TestClientThatHangsUpAmidReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		serveOn(t, ingest.Config{}, l)
		for replies := range 4 {
			conn, closed := l.connectClosed()
			c := rtmptest.NewClient(t, conn)
			c.Handshake()
			closed.writes.Store(int32(replies))
			start := time.Now()
			for _, m := range []chunk.Message{
				rtmptest.Connect("live"), rtmptest.Command(0, "createStream", 2.0, nil), rtmptest.Command(1, "publish", 3.0, nil, "cam"),
			} {
				c.Send(rtmptest.Commands, m)
				synctest.Wait()
			}
			c.Close()
			<-closed.done
			if took := time.Since(start); took > 0 {
				t.Errorf("after %d replies: %v", replies, took)
			}
		}
	})
}
