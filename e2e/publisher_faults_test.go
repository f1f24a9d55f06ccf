//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestPublisherKilled: its viewers' sessions stay, and play on when the name
// is published again.
func TestPublisherKilled(t *testing.T) {
	const stream = "live/killed"
	s := server.Start(t)
	publisher := source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	page := browser.StartChromium(t).Open(t, s.Watch(stream))
	page.WaitState("live", 10*time.Second)
	page.Unmute()
	v.Playing(30)

	for range 2 {
		publisher.Kill()
		s.WaitOffline(stream)
		before := page.Playback()
		publisher = source.FFmpeg{}.Publish(t, s.Publish(stream))
		s.WaitLive(stream)
		v.Playing(60)
		await.Success(t, 10*time.Second, func() error {
			now := page.Playback()
			if now.FramesDecoded < before.FramesDecoded+60 || now.AudioEnergy <= before.AudioEnergy {
				return fmt.Errorf("Chromium does not play on: %+v, before %+v", now, before)
			}
			return nil
		})
	}
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	if v.State() != webrtc.PeerConnectionStateConnected {
		t.Errorf("viewer is %s", v.State())
	}
	if now := page.Playback(); now.Connections != 1 || now.State != "connected" {
		t.Errorf("Chromium made %d connections, the last is %s", now.Connections, now.State)
	}
	page.WaitState("live", 5*time.Second)
	if m := s.Scrape(); m.Sum("sluice_whep_sessions") != 2 || m.Sum("sluice_whep_sessions_ended_total") != 0 {
		t.Errorf("%v sessions, %v ended", m.Sum("sluice_whep_sessions"), m.Sum("sluice_whep_sessions_ended_total"))
	}
}

// TestSecondPublisherRefused: with a code that OBS shows, and without any
// effect on the first.
func TestSecondPublisherRefused(t *testing.T) {
	const stream = "live/busy"
	s := server.Start(t)
	first := source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Playing(45)
	v.Video.Mark()

	second := source.FFmpeg{}.Publish(t, s.Publish(stream))
	if err := second.Wait(10 * time.Second); err == nil {
		t.Error("ffmpeg as the second publisher exits with 0")
	}
	if !strings.Contains(second.Output(), "Server error:") {
		t.Errorf("ffmpeg as the second publisher says %q", second.Output())
	}
	t.Logf("ffmpeg says %q", second.Output())
	if _, err := rtmp.Publish(s.RTMP, "live", "busy"); err == nil || !strings.Contains(err.Error(), "NetStream.Publish.BadName") {
		t.Errorf("refused with %v", err)
	}

	v.Playing(30)
	if err := undisturbed(v); err != nil {
		t.Error(err)
	}
	if ended, err := first.Ended(); ended {
		t.Errorf("the first publisher ended: %v", err)
	}
}

// undisturbed is for a source of 30 fps: no packet and no frame is missing.
func undisturbed(v *viewer.Viewer) error {
	const step = 40 * time.Millisecond
	if got := v.Video.Stats().Step; got > step {
		return errors.Join(v.Faults(), fmt.Errorf("a frame is missing: video steps by %v", got))
	}
	return v.Faults()
}
