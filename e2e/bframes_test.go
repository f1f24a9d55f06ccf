//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestBFramesPlay publishes what OBS publishes by default, B-frames that other
// B-frames refer to, and reads the numbers of the pictures in Chromium: they
// come in order, all of them, in time with the sound.
func TestBFramesPlay(t *testing.T) {
	n := watchEncoded(t, 250, strings.Fields("-preset ultrafast -bf 3 -refs 3 -x264-params b-pyramid=normal:b-adapt=0"))
	live := n.WaitLive(n.stream)
	if !live.Video.BFrames || live.Video.Treatment != "re-encoded" || !strings.Contains(live.Video.Hint, "bframes=0") {
		t.Errorf("stream list says %+v", live.Video)
	}
	w := n.Watched(longTime, time.UnixMilli(0))
	t.Logf("the first viewer's first picture after %.0f ms", w.Shown[0].At-w.Posted)
	attempts(t, func() error {
		start := time.Now()
		before, sent := n.Reading(longTime), n.sent.Load()
		watch(t, 8*time.Second)
		after, sentNow := n.Reading(longTime), n.sent.Load()
		s := n.seen(longTime, start)
		t.Logf("%.0f ms from publisher to glass at the median", medianLag(s.delays))
		return inOrder(t, s.Shown, after.Decoded-before.Decoded, int(sentNow-sent), after)
	})
}

// TestBFramesAreReported: who streams B-frames is told what to change, in the
// list, on the page and by a metric, while they play.
func TestBFramesAreReported(t *testing.T) {
	const stream = "live/bframes"
	s := server.Start(t)
	source.FFmpeg{BFrames: 3}.Publish(t, s.Publish(stream))
	live := s.WaitLive(stream)
	if !live.Video.BFrames || live.Video.Hint == "" {
		t.Errorf("stream list says %+v", live.Video)
	}
	page := browser.StartChromium(t).Open(t, s.Watch(stream))
	page.WaitState("live", 20*time.Second)
	await.Success(t, 10*time.Second, func() error {
		if text := page.Text(); !strings.Contains(text, "bframes=0") {
			return fmt.Errorf("the page says %s", text)
		}
		if bFrames := s.Scrape().Sum("sluice_egress_b_frames", server.Label("stream", stream)); bFrames != 1 {
			return fmt.Errorf("sluice_egress_b_frames is %v", bFrames)
		}
		return nil
	})
	page.Screenshot("b-frames")
}

// TestBFramesRefused: where they are not wanted the publisher is told why.
func TestBFramesRefused(t *testing.T) {
	s := server.Start(t, "--b-frames=refuse")
	p := source.FFmpeg{BFrames: 3}.Publish(t, s.Publish("live/refused"))
	if err := p.Wait(20 * time.Second); err == nil || !strings.Contains(p.Output(), "bframes=0") {
		t.Errorf("the publisher ended with %v:\n%s", err, p.Output())
	}
	source.FFmpeg{}.Publish(t, s.Publish("live/welcome"))
	s.WaitLive("live/welcome")
}

// inOrder says what was wrong with pictures that Chromium has shown.
func inOrder(t *testing.T, shown []browser.Shown, decoded, sent int, r browser.Reading) error {
	t.Helper()
	last, back, unread := -1, 0, 0
	for _, p := range shown {
		if p.Number < 0 {
			unread++
			continue
		}
		if d := p.Number - last; last >= 0 && d < 0 && d > -source.BarcodeFrames/2 {
			back++
		}
		last = p.Number
	}
	t.Logf("%d pictures shown, %d without a number, %d decoded of %d sent; %v", len(shown), unread, decoded, sent, r)
	switch {
	case back > 0 || 2*len(shown) < sent || unread > 0:
		return fmt.Errorf("%d of %d pictures came after a later one, %d without a number", back, len(shown), unread)
	case float64(decoded) < 0.95*float64(sent):
		return fmt.Errorf("%d pictures decoded of %d", decoded, sent)
	case math.Abs(r.AV()) > 80:
		return fmt.Errorf("the picture is %.0f ms ahead of the sound", r.AV())
	}
	return nil
}

// medianLag is in milliseconds; NaN of nothing.
func medianLag(lags []browser.Lag) float64 {
	if len(lags) == 0 {
		return math.NaN()
	}
	values := make([]float64, len(lags))
	for i, l := range lags {
		values[i] = l.Lag
	}
	return median(values)
}
