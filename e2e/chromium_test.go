//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

const frameRate = 30 // of every source that browsers play

// TestChromiumPlays watches the four kinds of AAC that publishers send, one
// after the other: two cores do not carry more than one software decoder and
// compositor beside the encoder. The first is watched for 20 seconds.
func TestChromiumPlays(t *testing.T) {
	s := server.Start(t)
	chromium := browser.StartChromium(t)
	for _, kind := range []struct {
		source.FFmpeg
		watched time.Duration
	}{
		{source.FFmpeg{SampleRate: 48000, Channels: 2}, 20 * time.Second},
		{source.FFmpeg{SampleRate: 48000, Channels: 1}, 6 * time.Second},
		{source.FFmpeg{SampleRate: 44100, Channels: 2}, 6 * time.Second},
		{source.FFmpeg{SampleRate: 44100, Channels: 1}, 6 * time.Second},
	} {
		name := fmt.Sprintf("%d-%d", kind.SampleRate, kind.Channels)
		t.Run(name, func(t *testing.T) {
			kind.FrameRate = frameRate
			kind.Publish(t, s.Publish("live/"+name))
			s.WaitLive("live/" + name)
			page := chromium.Open(t, s.Watch("live/"+name))
			page.WaitState("live", 10*time.Second)
			page.Unmute()
			checkPlayback(t, page, kind.watched)
			page.Screenshot("chromium-" + name)
		})
	}
}

// attempts tries what another program on the machine can disturb: what is
// broken fails each time.
func attempts(t *testing.T, try func() error) {
	t.Helper()
	const most = 3
	for i := 1; ; i++ {
		err := try()
		switch {
		case err == nil:
			return
		case i == most:
			t.Errorf("in each of %d attempts, in the last one: %v", most, err)
			return
		}
		t.Logf("attempt %d: %v", i, err)
	}
}

// checkPlayback watches a page for a time.
func checkPlayback(t *testing.T, page *browser.Page, during time.Duration) {
	t.Helper()
	attempts(t, func() error { return playsFor(t, page, during) })
	if state := page.State(); state != "live" {
		t.Errorf("player is %q", state)
	}
	if own := page.Stats(); own["framesDecoded"] == nil || own["audioEnergy"] == nil {
		t.Errorf("window.sluice.stats() returned %v", own)
	}
}

func playsFor(t *testing.T, page *browser.Page, during time.Duration) error {
	t.Helper()
	first := page.Playback()
	watch(t, during/2)
	middle := page.Playback()
	watch(t, during/2)
	last := page.Playback()
	t.Logf("%.1f fps, energy %.3f, in the jitter buffers %v and then %v of video, %v and then %v of audio; %+v",
		last.FrameRate(first), last.AudioEnergy-first.AudioEnergy,
		middle.VideoDelay(first), last.VideoDelay(middle), middle.AudioDelay(first), last.AudioDelay(middle), last)
	return compare(first, middle, last)
}

// compare says what was wrong with the playback between three readings.
func compare(first, middle, last browser.Playback) error {
	// What the jitter buffers may hold more in the second half than in the
	// first: a clock wrong by 1 % makes 100 ms of 10 s. For lip sync the browser
	// delays the faster of the two, so only the slower one tells.
	const growth = 80 * time.Millisecond
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if last.Connections != 1 || last.State != "connected" {
		wrong("%d connections, the last %s", last.Connections, last.State)
	}
	if fps := last.FrameRate(first); fps < 0.95*frameRate {
		wrong("%.2f frames a second decoded of %d", fps, frameRate)
	}
	if n := last.Freezes - first.Freezes; n != 0 {
		wrong("%d freezes", n)
	}
	if last.AudioEnergy <= first.AudioEnergy {
		wrong("audio energy stays at %v", last.AudioEnergy)
	}
	if last.VideoLost != first.VideoLost || last.AudioLost != first.AudioLost {
		wrong("lost %d video and %d audio packets", last.VideoLost-first.VideoLost, last.AudioLost-first.AudioLost)
	}
	early := max(middle.VideoDelay(first), middle.AudioDelay(first))
	if late := max(last.VideoDelay(middle), last.AudioDelay(middle)); late > early+growth {
		wrong("jitter buffers grew from %v to %v", early, late)
	}
	if last.SRTP != "SRTP_AEAD_AES_128_GCM" {
		wrong("SRTP runs with %q", last.SRTP)
	}
	return errors.Join(errs...)
}

// watch lets time pass, for measuring what happens in it.
func watch(tb testing.TB, during time.Duration) {
	tb.Helper()
	await.Holds(tb, during, func() error { return nil })
}
