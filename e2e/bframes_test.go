//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/rtmp"
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
	attempts(t, func() error { return n.inOrder(t) })
}

// TestPublishersChange: a viewer who watches when a stream begins to need the
// encoder sees the picture stand still for a moment and go on.
func TestPublishersChange(t *testing.T) {
	if os.Getenv("PUBLISHERS") != "all" {
		t.Skip("it takes a minute: make e2e-publishers")
	}
	const change = 14 * time.Second
	usual, long := 60, source.BarcodeFrames
	for _, c := range []struct {
		name  string
		gop   int
		after []rtmp.Tag // from the change on; nil: nothing changes but that no keyframe comes
		most  time.Duration
	}{
		{"B-frames begin", usual, barcodeTags(t, usual, strings.Fields("-preset ultrafast -bf 3 -refs 3 -x264-params b-pyramid=normal:b-adapt=0")...), time.Second},
		{"no keyframe for 11 s", long, nil, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			tags := barcodeTags(t, c.gop)
			if c.after != nil {
				tags = splice(tags, c.after, uint32(change.Milliseconds()))
			}
			n := watchTags(t, c.gop, tags)
			watch(t, 20*time.Second)
			live := n.WaitLive(n.stream)
			if live.Video.Treatment != "re-encoded" {
				t.Errorf("stream list says %+v", live.Video)
			}
			shown := n.Watched(longTime, time.UnixMilli(0)).Shown
			at, still := standstill(shown[frameRate:])
			t.Logf("the picture stood still for %v at picture %d", still, at)
			last, past := shown[len(shown)-1].Number, int((change+3*time.Second).Seconds())*frameRate
			if still > c.most || last < past {
				t.Errorf("it goes on to picture %d, want %d", last, past)
			}
		})
	}
}

// splice puts the tags of another clip in the place of those from a time on.
func splice(clip, other []rtmp.Tag, from uint32) (tags []rtmp.Tag) {
	for _, t := range clip {
		if t.Timestamp < from {
			tags = append(tags, t)
		}
	}
	for _, t := range other {
		if !t.Frame() && t.Type != rtmp.Script {
			t.Timestamp = from
		}
		if t.Timestamp >= from {
			tags = append(tags, t)
		}
	}
	return tags
}

// standstill returns the longest time between two pictures, and the number of
// the first.
func standstill(shown []browser.Shown) (number int, longest time.Duration) {
	for i := range shown[1:] {
		if d := time.Duration((shown[i+1].At - shown[i].At) * float64(time.Millisecond)); d > longest {
			number, longest = shown[i].Number, d
		}
	}
	return number, longest
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

// TestBFramesRefused: where they are not wanted the publisher is told why; a
// stream may have a rule of its own.
func TestBFramesRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.yml")
	if err := os.WriteFile(file, []byte("publish: [{stream: live/raw, b-frames: pass}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, "--b-frames=refuse", "--access", file)
	source.FFmpeg{BFrames: 3}.Publish(t, s.Publish("live/raw"))
	if live := s.WaitLive("live/raw"); !live.Video.BFrames || live.Video.Treatment != "passed" {
		t.Errorf("stream list says %+v", live.Video)
	}
	p := source.FFmpeg{BFrames: 3}.Publish(t, s.Publish("live/refused"))
	if err := p.Wait(20 * time.Second); err == nil || !strings.Contains(p.Output(), "bframes=0") {
		t.Errorf("the publisher ended with %v:\n%s", err, p.Output())
	}
	source.FFmpeg{}.Publish(t, s.Publish("live/welcome"))
	s.WaitLive("live/welcome")
}

// inOrder watches the long-time viewer and says what was wrong with his pictures.
func (n *numbered) inOrder(t *testing.T) error {
	t.Helper()
	start := time.Now()
	before, sent := n.Reading(longTime), n.sent.Load()
	watch(t, 8*time.Second)
	after, sentNow := n.Reading(longTime), n.sent.Load()
	s := n.seen(longTime, start)
	t.Logf("%.0f ms from publisher to glass at the median", medianLag(s.delays))
	return inOrder(t, s.Shown, after.Decoded-before.Decoded, int(sentNow-sent), after)
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
