package ingest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics/meter"
)

// A publisher above a cap is told so, by a sentence, and counted.
func TestCaps(t *testing.T) {
	big := chunk.Message{Type: chunk.Video, StreamID: 1, Body: append([]byte{0x27, 1, 0, 0, 0}, make([]byte, 70_000)...)}
	for _, c := range []struct {
		name   string
		cfg    ingest.Config
		send   func(*rtmptest.Client)
		reason string
		told   string // empty: the connection just ends
	}{
		{"message", ingest.Config{MaxMessage: 50_000}, func(c *rtmptest.Client) { c.Video(big) }, "message_size", ""},
		{"bitrate", ingest.Config{MaxBitrate: 50_000}, func(c *rtmptest.Client) { c.Video(big) }, "bitrate", "the stream has more than the 50 kbit/s that this server takes"},
		{"resolution", ingest.Config{MaxResolution: meter.Resolution{Width: 640, Height: 360}}, func(c *rtmptest.Client) {
			sendVideo(c, mediatest.VideoStream{}.AccessUnits(2))
		}, "resolution", "the picture has 1280x720 pixels, this server takes up to 640x360"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := serve(t, c.cfg)
			client, s := d.publishing("live", "cam")
			c.send(client)
			if c.told != "" {
				if code, text := client.Status(); code != "NetStream.Publish.Rejected" || text != c.told {
					t.Errorf("told %s, %q", code, text)
				}
			}
			client.HungUp()
			s.ended()
			d.eventually("it is counted", func() bool { return d.refusals(c.reason) == 1 })
		})
	}
}

// What a phone sends upright fits into what fits it lying.
func TestResolutionOfPhones(t *testing.T) {
	d := serve(t, ingest.Config{MaxResolution: meter.Resolution{Width: 720, Height: 1280}})
	c, s := d.publishing("live", "cam")
	sendVideo(c, mediatest.VideoStream{}.AccessUnits(2))
	s.wait(2, 0)
}

// The bitrate is an average: a burst after a stall is taken, more all the time
// is not.
func TestBitrateIsAnAverage(t *testing.T) {
	second := chunk.Message{Type: chunk.Video, StreamID: 1, Body: append([]byte{0x27, 1, 0, 0, 0}, make([]byte, 10_000)...)}
	for _, c := range []struct {
		name     string
		each     time.Duration
		messages int
		want     float64
	}{
		{"at the limit", time.Second, 100, 0},
		{"a burst of 9 s", 0, 9, 0},
		{"twice the limit", time.Second / 2, 40, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				d := serveOn(t, ingest.Config{MaxBitrate: 81_000}, l)
				client := dial(t, l)
				if code, text := client.Publish("live", "cam"); code != "NetStream.Publish.Start" {
					t.Fatal(code, text)
				}
				for range c.messages {
					client.Video(second)
					time.Sleep(c.each) // on the test's own clock
				}
				synctest.Wait()
				if n := d.refusals("bitrate"); n != c.want {
					t.Errorf("refused %v times", n)
				}
			})
		})
	}
}

// Unfinished messages of all publishers have one bound, and honest publishers
// go on when others reach it.
func TestMemoryOfAllPublishers(t *testing.T) {
	d := serve(t, ingest.Config{MaxMemory: 4 << 20})
	honest, s := d.publishing("live", "honest")
	units := mediatest.VideoStream{IDRSize: 400_000, GOP: 5}.AccessUnits(100)
	sendVideo(honest, units[:50])
	hold := rtmptest.AppendChunks(nil, rtmptest.VideoID, chunk.MaxSize, chunk.Message{Type: chunk.Video, StreamID: 1, Body: make([]byte, 2<<20)})
	for i := range 8 {
		c, _ := d.publishing("live", "holder"+string(rune('a'+i)))
		c.Send(rtmptest.Protocol, chunk.Message{Type: chunk.SetChunkSize, Body: []byte{0, 0xff, 0xff, 0xff}})
		c.Write(hold[:len(hold)-1])
	}
	d.eventually("six are cut off", func() bool { return d.refusals("memory") == 6 })
	for _, au := range units[50:] {
		honest.Video(rtmptest.VideoFrame(au))
	}
	s.wait(len(units), 0)
	if n := d.refusals("memory"); n != 6 && n != 7 {
		t.Errorf("%v cut off, want 6, or 7 if the honest one's frame came on top", n)
	}
}
