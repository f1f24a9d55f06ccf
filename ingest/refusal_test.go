package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media/mediatest"
)

func TestRefusals(t *testing.T) {
	const badName, rejected = "NetStream.Publish.BadName", "NetStream.Publish.Rejected"
	long := strings.Repeat("k", 129)
	longKey := strings.Repeat("k", 4097)
	for _, c := range []struct {
		name, app, key string
		code, text     string
		reason         string
	}{
		{"live name", "live", "taken", badName, "live/taken is live already", "bad_name"},
		{"wrong key", "live", "wrong", rejected, "wrong stream key", "rejected"},
		{"other error", "live", "broken", rejected, "the server cannot take this stream now", "rejected"},
		{"empty key", "live", "", rejected, "the stream key is empty; publish to rtmp://host/app/key", "rejected"},
		{"only a query", "live", "?token=x", rejected, "the stream key is empty; publish to rtmp://host/app/key", "rejected"},
		{"empty app", "", "cam", rejected, "the app is empty; publish to rtmp://host/app/key", "rejected"},
		{"two segments in the key", "live", "a/b", rejected, "the stream key may hold letters, digits and - . _ ~ only", "rejected"},
		{"two segments in the app", "a/b", "cam", rejected, "the app may hold letters, digits and - . _ ~ only", "rejected"},
		{"space", "live", "my cam", rejected, "the stream key may hold letters, digits and - . _ ~ only", "rejected"},
		{"percent", "live", "c%61m", rejected, "the stream key may hold letters, digits and - . _ ~ only", "rejected"},
		{"umlaut", "live", "kämera", rejected, "the stream key may hold letters, digits and - . _ ~ only", "rejected"},
		{"no UTF-8", "live", "c\xffm", rejected, "the stream key may hold letters, digits and - . _ ~ only", "rejected"},
		{"dots", "live", "..", rejected, "the stream key must not be . or ..", "rejected"},
		{"long key", "live", longKey, rejected, "the stream key is longer than 4096 bytes", "rejected"},
		{"long app", long, "cam", rejected, "the app is longer than 128 bytes", "rejected"},
		{"long query", "live", "cam?" + strings.Repeat("x", 4097), rejected, "the parameters of the URL are longer than 4096 bytes", "rejected"},
		{"malformed query", "live", "cam?a=%zz", rejected, "the parameters of the URL are malformed", "rejected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := serve(t, ingest.Config{})
			d.publishing("live", "taken")
			client := rtmptest.Dial(t, d.addr)
			code, text := client.Publish(c.app, c.key)
			if code != c.code || text != c.text {
				t.Errorf("refused with %s, %q", code, text)
			}
			client.HungUp() // which also shows that go-rtmp's own word is not sent
			d.eventually("it is counted", func() bool { return d.refusals(c.reason) == 1 })
		})
	}
}

// These spell the same name; the query may be on either part.
func TestNames(t *testing.T) {
	for _, c := range []struct{ app, key, stream, token string }{
		{"live", "cam", "live/cam", ""},
		{"live/", "cam", "live/cam", ""},
		{"live", "cam?token=a", "live/cam", "a"},
		{"live?token=a", "cam", "live/cam", "a"},
		{"live/?token=a", "cam", "live/cam", "a"},
		{"A-z_0.9~", strings.Repeat("k", 128), "A-z_0.9~/" + strings.Repeat("k", 128), ""},
		{"live", "cam?token=a%20b&token=c", "live/cam", "a b"},
	} {
		d := serve(t, ingest.Config{})
		_, s := d.publishing(c.app, c.key)
		if s.stream != c.stream || s.request.Query.Get("token") != c.token {
			t.Errorf("%s, %s: %+v", c.app, c.key, s.request)
		}
	}
}

func TestPlayIsRefused(t *testing.T) {
	d := serve(t, ingest.Config{})
	c := rtmptest.Dial(t, d.addr)
	c.Connect("live", "cam")
	c.Command(1, "play", 5.0, nil, "cam")
	if code, text := c.Status(); code != "NetStream.Play.Failed" || text == "" {
		t.Errorf("answered %s, %q", code, text)
	}
	c.HungUp()
	d.eventually("it is counted", func() bool { return d.refusals("play") == 1 })
}

func TestSecondPublishOnOneConnection(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	c.Command(0, "createStream", 6.0, nil)
	c.Expect("_result")
	c.Command(2, "publish", 7.0, nil, "cam2", "live")
	if code, _ := c.Status(); code != "NetStream.Publish.BadName" {
		t.Errorf("answered %s", code)
	}
	c.HungUp()
	s.ended()
}

func TestUnsupportedCodec(t *testing.T) {
	for name, m := range map[string]chunk.Message{
		"H.266": {Type: chunk.Video, StreamID: 1, Body: []byte("\x90vvc1\x01\x01\x60\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
		"PCM":   {Type: chunk.Audio, StreamID: 1, Body: []byte("\x0e\x00\x00\x00\x00")},
		"AC-3":  {Type: chunk.Audio, StreamID: 1, Body: []byte("\x91ac-3\x0b\x77")},
		"FLAC":  {Type: chunk.Audio, StreamID: 1, Body: []byte("\x90fLaC\x00\x00")},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, ingest.Config{})
			c, s := d.publishing("live", "cam")
			c.Video(m)
			code, text := c.Status()
			if code != "NetStream.Publish.Rejected" || !strings.Contains(text, name) {
				t.Errorf("refused with %s, %q", code, text)
			}
			c.HungUp()
			s.ended()
			d.eventually("it is counted", func() bool { return d.refusals("unsupported_codec") == 1 })
			if d.log.count("publication ended", name) != 1 {
				t.Errorf("the log does not name %s:\n%s", name, d.log)
			}
		})
	}
}

// A refused client that does not hang up is hung up on after 100 ms, and gets
// to read why although it goes on sending.
func TestRefusedClientIsHungUpOn(t *testing.T) {
	d := serve(t, ingest.Config{})
	c := rtmptest.Dial(t, d.addr)
	c.Connect("live", "wrong")
	c.Command(1, "publish", 5.0, nil, "wrong", "live")
	for _, au := range mediatest.Video(200, 30) {
		c.Video(rtmptest.VideoFrame(au))
	}
	start := time.Now()
	if code, _ := c.Status(); code != "NetStream.Publish.Rejected" {
		t.Errorf("answered %s", code)
	}
	c.HungUp()
	if waited := time.Since(start); waited > 5*time.Second {
		t.Errorf("hung up on after %v", waited)
	}
}

// Neither keys of refused clients nor tokens get into the log, at any level.
func TestLogHoldsNoSecrets(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live?apptoken=s3cret1", "cam?token=s3cret2")
	sendVideo(c, mediatest.Video(2, 30))
	s.wait(2, 0)
	rtmptest.Dial(t, d.addr).Publish("live", "wrong?token=s3cret3")
	rtmptest.Dial(t, d.addr).Publish("live", "s3cret4/x")
	rtmptest.Dial(t, d.addr).Publish("s3cret5 ", "x")
	play := rtmptest.Dial(t, d.addr)
	play.Connect("live", "s3cret6")
	play.Command(1, "play", 5.0, nil, "s3cret6")
	play.Status()
	second := rtmptest.Dial(t, d.addr)
	second.Connect("live", "s3cret7")
	second.Command(0, "s3cret7", 9.0, nil, "s3cret7")
	second.Command(9, "publish", 5.0, nil, "s3cret7")
	second.Status()
	c.Close()
	s.ended()
	d.server.Close()
	if log := d.log.String(); strings.Contains(log, "s3cret") || !strings.Contains(log, "live/cam") {
		t.Errorf("the log:\n%s", log)
	}
}
