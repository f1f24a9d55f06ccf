//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestEnhancedRTMP plays what FFmpeg 9.0.2 wrote as FLV: a second of 30
// pictures, the first a keyframe, with Opus, again and again. Its muxer is the
// one that it publishes with.
func TestEnhancedRTMP(t *testing.T) {
	s := server.Start(t)
	chromium := browser.StartChromium(t)
	for _, codec := range []string{"H.265", "AV1", "VP9"} {
		t.Run(codec, func(t *testing.T) {
			name := strings.ToLower(strings.ReplaceAll(codec, ".", ""))
			playRecorded(t, s.RTMP, name)
			live := s.WaitLive("live/" + name)
			if live.Video.Codec != codec || live.Video.Width != 320 || live.Video.Height != 180 || live.Video.BFrames {
				t.Errorf("stream list says %+v", live.Video)
			}
			page := chromium.Open(t, s.Watch("live/"+name))
			if codec == "H.265" {
				checkH265(t, s.WHEP("live/"+name))
				page.WaitState("unsupported", 10*time.Second) // Debian's Chromium decodes none
				return
			}
			page.WaitState("live", 10*time.Second)
			page.Unmute()
			checkPlayback(t, page, 4*time.Second)
		})
	}
}

// playRecorded publishes testdata/NAME.flv as live/NAME until the test ends.
func playRecorded(t *testing.T, address, name string) {
	t.Helper()
	clip, err := rtmp.ReadFLV("testdata/" + name + ".flv")
	if err != nil {
		t.Fatal(err)
	}
	publisher, err := rtmp.Publish(address, "live", name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = publisher.Play(ctx, rtmp.Repeat(clip, 1000, 120), nil)
	}()
	t.Cleanup(func() {
		cancel()
		publisher.Close()
		<-done
	})
}

// checkH265 decodes what an independent receiver gets.
func checkH265(t *testing.T, endpoint string) {
	t.Helper()
	v := viewer.Join(t, endpoint)
	v.Video.Keep()
	v.Playing(90)
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	packets, frames := v.Video.Packets(), 0
	for len(packets) > 0 && packets[0].Payload[0]>>1&0x3f != 48 { // up to a keyframe's parameter sets
		packets = packets[1:]
	}
	for _, p := range packets {
		if p.Marker {
			frames++
		}
	}
	if pictures, err := viewer.DecodeH265(packets); err != nil || pictures != frames || frames < 50 {
		t.Errorf("%d frames gave %d pictures, %v", frames, pictures, err)
	}
}
