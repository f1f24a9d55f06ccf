//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
	"github.com/sluice-media/sluice/e2e/whip"
)

// TestWHIPBFrames is TestBFramesPlay over WHIP, which tells neither when pictures
// are to be decoded nor that some overtake others.
func TestWHIPBFrames(t *testing.T) {
	const gop = 60
	file := filepath.Join(t.TempDir(), "numbered.flv")
	source.Barcode(t, file, gop, strings.Fields("-preset ultrafast -bf 3 -refs 3 -x264-params b-pyramid=normal:b-adapt=0")...)
	clip, err := rtmp.ReadFLV(file)
	if err != nil {
		t.Fatal(err)
	}
	n := &numbered{Server: server.Start(t), tb: t, stream: "live/numbered", gop: gop}
	publisher, err := whip.Publish(t, n.WHIP(n.stream))
	if err != nil {
		t.Fatal(err)
	}
	n.publish(endless(clip), publisher)
	if live := n.WaitLive(n.stream); !live.Video.BFrames || live.Video.Treatment != "re-encoded" {
		t.Errorf("stream list says %+v", live.Video)
	}
	attempts(t, func() error { return n.inOrder(t) })
}

// TestWHIPKeyframesAreAsked: where viewers are not given what there is since the
// last keyframe, each that joins has the publisher asked for one at once, but no
// more than once a second.
func TestWHIPKeyframesAreAsked(t *testing.T) {
	t.Parallel() // with the tests that only wait
	file := filepath.Join(t.TempDir(), "clip.flv")
	source.FFmpeg{GOP: 60}.Encode(t, file, 20*time.Second) // a keyframe every 2 s: nothing else asks
	clip, err := rtmp.ReadFLV(file)
	if err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, "--wait-for-keyframe")
	publisher, err := whip.Publish(t, s.WHIP("live/show"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	played := make(chan error, 1)
	go func() { played <- rtmp.Play(ctx, clip, publisher.WriteTag, nil) }()
	t.Cleanup(func() { cancel(); <-played; publisher.Close() })
	s.WaitLive("live/show")
	watch(t, 2500*time.Millisecond)
	before := len(publisher.KeyframeRequests())
	start := time.Now()
	viewer.Join(t, s.WHEP("live/show"))
	await.Success(t, 5*time.Second, func() error {
		if len(publisher.KeyframeRequests()) == before {
			return fmt.Errorf("the publisher was not asked for a keyframe")
		}
		return nil
	})
	t.Logf("asked %v after the viewer's offer", publisher.KeyframeRequests()[before].Sub(start).Round(time.Millisecond))
	for range 8 { // as many as want one at any time of the following seconds
		viewer.Join(t, s.WHEP("live/show"))
		watch(t, 300*time.Millisecond)
	}
	all := publisher.KeyframeRequests()[before:]
	if len(all) < 2 {
		t.Errorf("asked %d times for nine viewers", len(all))
	}
	for i := 1; i < len(all); i++ {
		if d := all[i].Sub(all[i-1]); d < 900*time.Millisecond {
			t.Errorf("asked again after %v", d)
		}
	}
}
