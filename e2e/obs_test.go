//go:build e2e && obs

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestOBSDefaults: OBS as installed encodes B-frames and a keyframe every 8 s.
// Chromium shows all its pictures, in order, and the streamer is told what that
// costs.
func TestOBSDefaults(t *testing.T) {
	s := server.Start(t)
	startOBS(t, s, "")
	live := s.WaitLive("live/obs")
	if live.Video.Width != 480 || live.Video.Height != 270 {
		t.Errorf("stream list says %+v", live.Video)
	}
	if !live.Video.BFrames || live.Video.Treatment != "re-encoded" || !strings.Contains(live.Video.Hint, "bframes=0") {
		t.Errorf("stream list does not tell what B-frames cost: %+v", live.Video)
	}
	glass := browser.StartChromium(t).OpenGlass(t, "http://"+s.HTTP+"/api/streams")
	glass.Join(longTime, s.WHEP("live/obs"), 0)
	received := func() float64 { return s.Scrape().Sum("sluice_ingest_frames_total", server.Label("kind", "video")) }
	watch(t, 5*time.Second)
	attempts(t, func() error {
		start, before, from := time.Now(), glass.Reading(longTime), received()
		watch(t, 15*time.Second)
		after, to := glass.Reading(longTime), received()
		delay, _ := s.Scrape().Quantile(0.5, "sluice_transcode_delay_seconds", server.Label("kind", "video"))
		t.Logf("half of the pictures came back from the encoder within %v s", delay)
		return inOrder(t, glass.Watched(longTime, start).Shown, after.Decoded-before.Decoded, int(to-from), after)
	})
}

// TestOBSPlays: without them a browser shows what OBS has sent, untouched.
func TestOBSPlays(t *testing.T) {
	s := server.Start(t)
	obs := startOBS(t, s, "bframes=0")
	if live := s.WaitLive("live/obs"); live.Video.BFrames || live.Video.Treatment != "" {
		t.Errorf("stream list says %+v", live.Video)
	}
	page := browser.StartChromium(t).Open(t, s.Watch("live/obs"))
	page.WaitState("live", 20*time.Second)
	page.Unmute()
	checkOBSPlayback(t, s, page)
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

// checkOBSPlayback compares what Chromium decodes with what comes from OBS,
// which paints with software GL here and is now and then late itself.
func checkOBSPlayback(t *testing.T, s *server.Server, page *browser.Page) {
	t.Helper()
	received := func() float64 { return s.Scrape().Sum("sluice_ingest_frames_total", server.Label("kind", "video")) }
	first, before := page.Playback(), received()
	watch(t, 10*time.Second)
	last, after := page.Playback(), received()
	decoded := float64(last.FramesDecoded - first.FramesDecoded)
	t.Logf("%v frames decoded of %v; %+v", decoded, after-before, last)
	if decoded < 0.9*(after-before) { // some are still on their way
		t.Errorf("%v frames decoded of %v", decoded, after-before)
	}
	if last.AudioEnergy <= first.AudioEnergy {
		t.Errorf("audio energy stays at %v", last.AudioEnergy)
	}
	if last.Connections != 1 || last.VideoLost != 0 || page.State() != "live" {
		t.Errorf("player is %s: %+v", page.State(), last)
	}
}

// TestOBSWithAWrongKey: OBS is told in the way that makes it say so and stop: no
// second try, while a stream that it lost it would try again every 2 s.
func TestOBSWithAWrongKey(t *testing.T) {
	_, hash := newKey(t)
	file := filepath.Join(t.TempDir(), "access.yml")
	if err := os.WriteFile(file, []byte("keys: [{stream: live/show, hash: \""+hash+"\"}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, "--access", file)
	obs := startOBS(t, s, "bframes=0")
	refusals := func() float64 {
		return s.Scrape().Sum("sluice_access_denials_total", server.Label("action", "publish"), server.Label("reason", "wrong_key"))
	}
	await.Success(t, 30*time.Second, func() error {
		if n := refusals(); n != 1 {
			return fmt.Errorf("refused %v times", n)
		}
		return nil
	})
	watch(t, 7*time.Second)
	if n := refusals(); n != 1 {
		t.Errorf("OBS tried %v times", n)
	}
	if ended, err := obs.Ended(); ended {
		t.Errorf("OBS ended: %v", err)
	}
	if n := s.Scrape().Sum("sluice_ingest_connections"); n != 0 {
		t.Errorf("%v connections are open: OBS hangs in Connecting", n)
	}
	said := obs.Output()
	if strings.Contains(said, "reconnecting") || !strings.Contains(said, "NetStream.Publish.Rejected") && !strings.Contains(said, "Connection to rtmp") {
		t.Errorf("OBS does not say that it was refused:\n%s", said)
	}
}

// TestOBSTesting: a newer OBS publishes over RTMPS, whose certificate it checks.
func TestOBSTesting(t *testing.T) {
	program := os.Getenv("OBS_TESTING")
	if program == "" {
		t.Skip("make e2e-obs-testing")
	}
	for _, c := range []struct{ name, scheme, encoder, codec, treatment string }{
		{"RTMPS", "rtmps", "", "H.264", "re-encoded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cert, key := selfSigned(t)
			addr := server.FreeTCP(t)
			s := server.Start(t, "--rtmps-addr", addr, "--tls-cert", cert, "--tls-key", key)
			if c.scheme == "rtmp" {
				addr = s.RTMP
			}
			t.Setenv("OBS", program)
			t.Setenv("OBS_CA", cert)
			t.Setenv("OBS_ENCODER", c.encoder)
			clip := filepath.Join(t.TempDir(), "clip.mkv")
			source.BarcodeClip(t, clip)
			obs := proc.Start(t, "obs/run.sh", c.scheme+"://"+addr+"/live", "obs", clip, "")
			live := s.WaitLive("live/obs")
			if live.Video.Codec != c.codec || live.Video.Width != 480 || live.Video.Treatment != c.treatment {
				t.Errorf("stream list says %+v", live.Video)
			}
			t.Logf("%v", live.Metadata["encoder"])
			page := browser.StartChromium(t).Open(t, s.Watch("live/obs"))
			page.WaitState("live", 20*time.Second)
			page.Unmute()
			watch(t, 3*time.Second)
			checkOBSPlayback(t, s, page)
			page.Screenshot("obs-" + strings.ToLower(c.name))
			obs.Kill()
			s.WaitOffline("live/obs")
		})
	}
}

// startOBS streams numbered pictures.
func startOBS(t *testing.T, s *server.Server, x264 string) *proc.Process {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "clip.mkv")
	source.BarcodeClip(t, clip)
	return proc.Start(t, "obs/run.sh", s.Publish("live"), "obs", clip, x264)
}
