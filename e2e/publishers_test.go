//go:build e2e

package e2e

import (
	"testing"

	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

func TestGStreamerPublishes(t *testing.T) {
	s := server.Start(t)
	for _, aac := range []string{"avenc_aac", "voaacenc"} {
		t.Run(aac, func(t *testing.T) {
			stream := "live/" + aac
			gst := source.GStreamer(t, aac, s.Publish(stream))
			live := s.WaitLive(stream)
			if live.Video.Width != 640 || live.Video.Height != 360 || live.Video.BFrames {
				t.Errorf("stream list says %+v", live.Video)
			}
			v := viewer.Join(t, s.WHEP(stream))
			v.Video.Keep()
			v.Playing(90)
			checkVideo(t, v)
			if err := v.Faults(); err != nil {
				t.Error(err)
			}
			if ended, err := gst.Ended(); ended {
				t.Errorf("gst-launch ended: %v", err)
			}
		})
	}
}
