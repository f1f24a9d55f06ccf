//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestChromiumPlays watches the four kinds of AAC that publishers send, in
// one browser, for 20 seconds.
func TestChromiumPlays(t *testing.T) {
	const frameRate = 30
	s := server.Start(t)
	chromium := browser.StartChromium(t)
	kinds := []source.FFmpeg{
		{SampleRate: 48000, Channels: 2},
		{SampleRate: 48000, Channels: 1},
		{SampleRate: 44100, Channels: 2},
		{SampleRate: 44100, Channels: 1},
	}
	pages := map[string]*browser.Page{}
	for _, kind := range kinds {
		kind.FrameRate = frameRate
		stream := fmt.Sprintf("live/%d-%d", kind.SampleRate, kind.Channels)
		kind.Publish(t, s.Publish(stream))
		s.WaitLive(stream)
		pages[stream] = chromium.Open(s.Watch(stream))
	}
	first, middle := map[string]browser.Playback{}, map[string]browser.Playback{}
	for stream, page := range pages {
		page.WaitState("live", 10*time.Second)
		page.Unmute()
		first[stream] = page.Playback()
	}
	watch(t, 10*time.Second)
	for stream, page := range pages {
		middle[stream] = page.Playback()
	}
	watch(t, 10*time.Second)
	for stream, page := range pages {
		t.Run(stream, func(t *testing.T) {
			last := page.Playback()
			page.Screenshot("chromium-" + stream[len("live/"):])
			t.Logf("%.1f fps, video %v and audio %v in the jitter buffer, energy %.3f; %+v",
				last.FrameRate(first[stream]), last.VideoDelay(middle[stream]), last.AudioDelay(middle[stream]), last.AudioEnergy, last)
			checkPlayback(t, first[stream], middle[stream], last, frameRate)
			if state := page.State(); state != "live" {
				t.Errorf("player is %q", state)
			}
			if own := page.Stats(); own["framesDecoded"] == nil || own["audioEnergy"] == nil {
				t.Errorf("window.sluice.stats() returned %v", own)
			}
		})
	}
}

func checkPlayback(t *testing.T, first, middle, last browser.Playback, frameRate float64) {
	t.Helper()
	// What the jitter buffers may hold more in the second half than in the first.
	const growth = 30 * time.Millisecond
	video := last.VideoDelay(middle) - middle.VideoDelay(first)
	audio := last.AudioDelay(middle) - middle.AudioDelay(first)
	switch fps := last.FrameRate(first); {
	case last.Connections != 1 || last.State != "connected":
		t.Errorf("%d connections, the last %s", last.Connections, last.State)
	case fps < 0.95*frameRate:
		t.Errorf("%.2f frames a second decoded of %.0f", fps, frameRate)
	case last.Freezes != 0:
		t.Errorf("%d freezes, %.2f s", last.Freezes, last.FreezeSeconds)
	case last.AudioEnergy <= first.AudioEnergy:
		t.Errorf("audio energy stays at %v", last.AudioEnergy)
	case last.VideoLost != 0 || last.AudioLost != 0:
		t.Errorf("lost %d video and %d audio packets", last.VideoLost, last.AudioLost)
	case video > growth || audio > growth:
		t.Errorf("jitter buffers grew by %v (video) and %v (audio)", video, audio)
	case last.SRTP != "SRTP_AEAD_AES_128_GCM":
		t.Errorf("SRTP runs with %q", last.SRTP)
	}
}

// watch lets time pass, for measuring what happens in it.
func watch(t *testing.T, during time.Duration) {
	t.Helper()
	await.Holds(t, during, func() error { return nil })
}
