//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// longTime is the name of the player that all others are compared with.
const longTime = "long-time"

// numbered is a stream whose pictures bear numbers, at 30 pictures a second,
// and a glass on which it is watched.
type numbered struct {
	*server.Server
	*browser.Glass

	tb     testing.TB
	stream string
	gop    int          // pictures
	sent   atomic.Int64 // pictures that were published
	joined int

	mu        sync.Mutex
	start     uint32          // PTS of the first picture, in ms
	published []browser.Shown // what was sent, and when it had been; numbers go on
}

// watchNumbered publishes a stream with an IDR every gop pictures and lets a
// long-time viewer watch it.
func watchNumbered(tb testing.TB, gop int, flags ...string) *numbered {
	tb.Helper()
	return watchEncoded(tb, gop, nil, flags...)
}

// watchEncoded does the same with a stream encoded with other options of x264.
func watchEncoded(tb testing.TB, gop int, x264 []string, flags ...string) *numbered {
	tb.Helper()
	return watchTags(tb, gop, endless(barcodeTags(tb, gop, x264...)), flags...)
}

// barcodeTags returns the tags of a clip of source.Barcode.
func barcodeTags(tb testing.TB, gop int, x264 ...string) []rtmp.Tag {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "numbered.flv")
	source.Barcode(tb, file, gop, x264...)
	clip, err := rtmp.ReadFLV(file)
	if err != nil {
		tb.Fatal(err)
	}
	return clip
}

// watchTags does the same with tags of such clips.
func watchTags(tb testing.TB, gop int, tags []rtmp.Tag, flags ...string) *numbered {
	tb.Helper()
	n := &numbered{Server: server.Start(tb, flags...), tb: tb, stream: "live/numbered", gop: gop}
	app, key, _ := strings.Cut(n.stream, "/")
	publisher, err := rtmp.Publish(n.RTMP, app, key)
	if err != nil {
		tb.Fatal(err)
	}
	n.publish(tags, publisher)
	return n
}

// endless is a numbered clip, over and over, for an hour.
func endless(clip []rtmp.Tag) []rtmp.Tag {
	const repetitions = 100
	return rtmp.Repeat(clip, uint32(source.BarcodeLength.Milliseconds()), repetitions)
}

// taker is a publisher that sends tags.
type taker interface {
	WriteTag(tag rtmp.Tag) error
	Close()
}

// publish sends tags until the test ends, and lets a long-time viewer watch.
func (n *numbered) publish(tags []rtmp.Tag, to taker) {
	n.tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	played := make(chan error, 1)
	go func() {
		played <- rtmp.Play(ctx, tags, to.WriteTag, func(tag rtmp.Tag, at time.Time) {
			if tag.Type == rtmp.Video && tag.Frame() {
				n.note(tag, at)
			}
		})
	}()
	n.tb.Cleanup(func() {
		cancel()
		if err := <-played; err != nil {
			n.tb.Errorf("publish: %v", err)
		}
		to.Close()
	})
	n.WaitLive(n.stream)
	n.Glass = browser.StartChromium(n.tb).OpenGlass(n.tb, "http://"+n.HTTP+"/api/streams")
	n.Join(longTime, n.WHEP(n.stream), 0)
	n.shows(longTime, time.Duration(n.gop)*time.Second/frameRate+10*time.Second)
}

// note notes that a picture was published. With B-frames they do not come in
// the order of their numbers.
func (n *numbered) note(tag rtmp.Tag, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	pts := tag.PTS()
	if n.sent.Add(1) == 1 {
		n.start = pts
	}
	number := (int(pts-n.start)*frameRate + 500) / 1000
	i := len(n.published)
	for i > 0 && n.published[i-1].Number > number {
		i--
	}
	n.published = slices.Insert(n.published, i, browser.Shown{At: float64(at.UnixMicro()) / 1000, Number: number})
}

// shows waits for a player's first picture with a number.
func (n *numbered) shows(name string, within time.Duration) {
	n.tb.Helper()
	await.Success(n.tb, within, func() error {
		shown := n.Watched(name, time.UnixMilli(0)).Shown
		if len(shown) == 0 || shown[len(shown)-1].Number < 0 {
			return fmt.Errorf("player %s shows no numbered picture but %v", name, shown)
		}
		return nil
	})
}

// waitPicture waits until a picture of the GOP, counted from the IDR, has just
// been published.
func (n *numbered) waitPicture(picture int) {
	n.tb.Helper()
	for n.untilPicture(picture) == 0 { // it may have been long ago
		time.Sleep(time.Millisecond)
	}
	for n.untilPicture(picture) != 0 {
		time.Sleep(time.Millisecond)
	}
}

// untilPicture is how many pictures come before a picture of the GOP is the
// last that was published.
func (n *numbered) untilPicture(picture int) int {
	return ((picture+1-int(n.sent.Load()))%n.gop + n.gop) % n.gop
}

// player starts one more player and returns its name.
func (n *numbered) player(port int) string {
	n.joined++
	name := fmt.Sprintf("viewer %d", n.joined)
	n.Join(name, n.WHEP(n.stream), port)
	return name
}

// seen is what a player showed since a time, compared with what the long-time
// viewer saw and with what was published.
type seen struct {
	browser.Watched
	lags, delays []browser.Lag
	longTime     []browser.Lag // delays of the long-time viewer
}

func (n *numbered) seen(name string, since time.Time) seen {
	n.tb.Helper()
	// What the new player shows first the other showed up to a GOP before.
	earlier := since.Add(-time.Duration(n.gop)*time.Second/frameRate - time.Second)
	s := seen{Watched: n.Watched(name, since)}
	reference := n.Watched(longTime, earlier)
	n.mu.Lock()
	defer n.mu.Unlock()
	s.lags = browser.Lags(reference.Shown, s.Shown, source.BarcodeFrames)
	published := slices.Clone(n.published)
	for i := range published {
		published[i].Number %= source.BarcodeFrames
	}
	s.delays = browser.Lags(published, s.Shown, source.BarcodeFrames)
	s.longTime = browser.Lags(published, reference.Shown, source.BarcodeFrames)
	return s
}
