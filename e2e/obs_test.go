//go:build e2e && obs

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/server"
)

// TestOBSDefaults: OBS as installed encodes B-frames, and the streamer is told
// where to turn them off.
func TestOBSDefaults(t *testing.T) {
	s := server.Start(t)
	startOBS(t, s, "")
	live := s.WaitLive("live/obs")
	if live.Video.Width != 640 || live.Video.Height != 360 {
		t.Errorf("stream list says %+v", live.Video)
	}
	if !live.Video.BFrames || !strings.Contains(live.Video.Hint, "bframes=0") {
		t.Errorf("stream list does not tell how to turn B-frames off: %+v", live.Video)
	}
}

// TestOBSPlays: without them a browser shows it.
func TestOBSPlays(t *testing.T) {
	s := server.Start(t)
	obs := startOBS(t, s, "bframes=0")
	if live := s.WaitLive("live/obs"); live.Video.BFrames {
		t.Errorf("stream list says %+v", live.Video)
	}
	page := browser.StartChromium(t).Open(t, s.Watch("live/obs"))
	page.WaitState("live", 20*time.Second)
	page.Unmute()
	checkPlayback(t, page, 10*time.Second)
	page.Screenshot("obs")
	obs.Signal(syscall.SIGTERM)
	// Its exit code says nothing: without a window manager OBS 29 now and then
	// crashes in Qt after it has said goodbye to us.
	if err := obs.Wait(20 * time.Second); err != nil {
		t.Logf("OBS ended with %v", err)
	}
	s.WaitOffline("live/obs")
	if !strings.Contains(s.Output(), "cause=unpublished") {
		t.Error("OBS went without unpublishing, or its goodbye was not understood")
	}
}

func startOBS(t *testing.T, s *server.Server, x264 string) *proc.Process {
	t.Helper()
	return proc.Start(t, "obs/run.sh", s.Publish("live"), "obs", x264)
}
