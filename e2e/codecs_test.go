//go:build e2e && codecs

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestCodecsInChromium: what FFmpeg sends over Enhanced RTMP is played as it
// is, the Opus too.
func TestCodecsInChromium(t *testing.T) {
	s := server.Start(t)
	chromium := browser.StartChromium(t)
	for _, codec := range []string{"VP9", "AV1"} {
		t.Run(codec, func(t *testing.T) {
			stream := "live/" + strings.ToLower(codec)
			source.PublishEnhanced(t, codec, s.Publish(stream))
			live := s.WaitLive(stream)
			if live.Video.Codec != codec || live.Video.Width != 640 || live.Video.Height != 360 {
				t.Errorf("stream list says %+v", live.Video)
			}
			page := chromium.Open(t, s.Watch(stream))
			page.WaitState("live", 10*time.Second)
			page.Unmute()
			checkPlayback(t, page, 10*time.Second)
			if live, err := s.Stream(stream); err != nil || live.Audio == nil || live.Audio.Codec != "Opus" {
				t.Errorf("stream list says %+v, %v", live.Audio, err)
			}
			page.Screenshot("chromium-" + strings.ToLower(codec))
		})
	}
}

// TestH265 is decoded from what an independent receiver gets; a browser without
// it is told so.
func TestH265(t *testing.T) {
	const stream = "live/h265"
	s := server.Start(t)
	source.PublishEnhanced(t, "H.265", s.Publish(stream))
	if live := s.WaitLive(stream); live.Video.Codec != "H.265" || live.Video.Width != 640 || live.Video.BFrames {
		t.Errorf("stream list says %+v", live.Video)
	}
	checkH265(t, s.WHEP(stream))
	page := browser.StartChromium(t).Open(t, s.Watch(stream))
	page.WaitState("unsupported", 10*time.Second)
	page.Screenshot("chromium-h265")
}

// TestCodecChanges: the publisher comes back with another codec, and the page
// goes on by itself.
func TestCodecChanges(t *testing.T) {
	const stream = "live/change"
	s := server.Start(t)
	first := source.PublishEnhanced(t, "VP9", s.Publish(stream))
	s.WaitLive(stream)
	page := browser.StartChromium(t).Open(t, s.Watch(stream))
	page.WaitState("live", 10*time.Second)
	first.Kill()
	source.PublishEnhanced(t, "AV1", s.Publish(stream))
	await.Success(t, 15*time.Second, func() error {
		live, err := s.Stream(stream)
		if err != nil {
			return err
		}
		if !live.Live || live.Video == nil || live.Video.Codec != "AV1" || live.Viewers != 1 {
			return fmt.Errorf("stream list says %+v", live)
		}
		return nil
	})
	page.WaitState("live", 20*time.Second)
	attempts(t, func() error { // the first second still holds the way there
		before := page.Playback()
		watch(t, 3*time.Second)
		if fps := page.Playback().FrameRate(before); fps < 0.9*frameRate {
			return fmt.Errorf("%.1f frames a second after the change", fps)
		}
		return nil
	})
	if n := s.Scrape().Sum("sluice_whep_sessions_ended_total", server.Label("reason", "codec_changed")); n != 1 {
		t.Errorf("%v sessions ended for the codec, want 1", n)
	}
}
