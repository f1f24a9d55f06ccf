//go:build e2e && whip

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestWHIPOfFFmpeg: FFmpeg publishes with a key, plays in Chromium, and gives
// the name back when it stops; without the key it is refused.
func TestWHIPOfFFmpeg(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "access.yaml")
	// SHA-256 of "secret"
	const hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
	if err := os.WriteFile(rules, []byte("keys:\n  - {stream: live/ff, hash: \"sha256:"+hash+"\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, "--access", rules)
	refused := source.PublishWHIP(t, s.WHIP("live/ff"), "wrong")
	if err := refused.Wait(10 * time.Second); err == nil || !strings.Contains(refused.Output(), "401") {
		t.Errorf("a wrong key: %v\n%s", err, refused.Output())
	}
	ffmpeg := source.PublishWHIP(t, s.WHIP("live/ff"), "secret")
	s.WaitLive("live/ff")
	page := browser.StartChromium(t).Open(t, s.Watch("live/ff"))
	page.WaitState("live", 10*time.Second)
	page.Unmute()
	checkPlayback(t, page, 10*time.Second)
	page.Screenshot("whip-ffmpeg")
	ffmpeg.Signal(syscall.SIGINT)
	_ = ffmpeg.Wait(10 * time.Second) // 255 after a signal
	page.WaitState("offline", 10*time.Second)
	if m := s.Scrape(); m.Sum("sluice_whip_sessions_ended_total") != 1 || m.Sum("sluice_ingest_lost_packets_total") != 0 {
		t.Errorf("%s\n%s", m.List("sluice_whip_sessions_ended_total"), m.List("sluice_ingest_lost_packets_total"))
	}
}

// TestWHIPOfGStreamer: webrtcbin publishes, trickling its candidates, and
// plays in Chromium.
func TestWHIPOfGStreamer(t *testing.T) {
	s := server.Start(t)
	source.PublishWHIPClient(t, s.WHIP("live/gst"))
	s.WaitLive("live/gst")
	page := browser.StartChromium(t).Open(t, s.Watch("live/gst"))
	page.WaitState("live", 10*time.Second)
	page.Unmute()
	checkPlayback(t, page, 10*time.Second)
	page.Screenshot("whip-gstreamer")
	if m := s.Scrape(); m.Sum("sluice_whip_requests_total", `method="PATCH"`, `status="204"`) == 0 {
		t.Errorf("no candidate was trickled:\n%s", m.List("sluice_whip_requests_total"))
	}
}
