//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestPublishersIntraRefresh: x264's intra refresh makes one keyframe, at the
// start. Who comes half a minute later sees the picture all the same, and for
// who has been there from the start it goes on.
func TestPublishersIntraRefresh(t *testing.T) {
	if os.Getenv("PUBLISHERS") != "all" {
		t.Skip("it takes most of a minute: make e2e-publishers")
	}
	const stream = "live/refresh"
	s := server.Start(t)
	source.Custom{Video: small, Audio: tone, Options: plain + " -x264-params intra-refresh=1" + stereo}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	chromium := browser.StartChromium(t)
	first := chromium.Open(t, s.Watch(stream))
	first.WaitState("live", 10*time.Second)
	before := first.Playback()
	watch(t, 30*time.Second)
	if n := first.Playback().FramesDecoded - before.FramesDecoded; n < 27*frameRate {
		t.Errorf("the first viewer has seen %d pictures in 30 s", n)
	}
	late := chromium.Open(t, s.Watch(stream))
	late.WaitState("live", 10*time.Second)
	watch(t, 2*time.Second)
	before = late.Playback()
	watch(t, 3*time.Second)
	if fps := late.Playback().FrameRate(before); fps < 0.9*frameRate {
		t.Errorf("a viewer who comes after 30 s sees %.1f pictures a second", fps)
	}
	if live := s.WaitLive(stream); live.Video.Treatment != "re-encoded" || !strings.Contains(live.Video.Hint, "Keyframe Interval") {
		t.Errorf("stream list says %+v", live.Video)
	}
	late.Screenshot("intra-refresh")
}

func TestGStreamerPublishes(t *testing.T) {
	s := server.Start(t)
	for _, aac := range []string{"avenc_aac", "voaacenc"} {
		t.Run(aac, func(t *testing.T) {
			stream := "live/" + aac
			gst := source.GStreamer(t, aac, s.Publish(stream))
			live := s.WaitLive(stream)
			if live.Video.Width != 640 || live.Video.Height != 360 || live.Video.BFrames {
				t.Errorf("stream list says %+v", live.Video)
			}
			v := viewer.Join(t, s.WHEP(stream))
			v.Video.Keep()
			v.Playing(90)
			checkVideo(t, v)
			if err := v.Faults(); err != nil {
				t.Error(err)
			}
			if ended, err := gst.Ended(); ended {
				t.Errorf("gst-launch ended: %v", err)
			}
		})
	}
}
