//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestRTP looks at every packet that a viewer gets: numbering, timestamps,
// markers, sender reports, decodable access units, and the lip sync of a
// flash-and-beep source.
func TestRTP(t *testing.T) {
	const stream = "live/flash"
	s := server.Start(t)
	source.FFmpeg{Flash: true}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Playing(60) // the replayed GOP is behind us
	v.Video.Keep()
	v.Audio.Keep()
	v.Playing(240)
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	for _, track := range []*viewer.Track{v.Video, v.Audio} {
		stats := track.Stats()
		reports, ssrc := track.Reports()
		if reports < 2 || ssrc != stats.SSRC {
			t.Errorf("%d sender reports, the last of SSRC %d, for %+v", reports, ssrc, stats)
		}
	}
	checkVideo(t, v)
	checkLipSync(t, v)
}

// checkVideo decodes what has been kept of the video.
func checkVideo(t *testing.T, v *viewer.Viewer) {
	t.Helper()
	units, err := viewer.AccessUnits(v.Video.Packets())
	if err != nil {
		t.Fatal(err)
	}
	for len(units) > 0 && !units[0].IDR() {
		units = units[1:]
	}
	for _, u := range units {
		if err := u.CheckParameterSets(); err != nil {
			t.Error(err)
		}
	}
	if _, err := viewer.Luma(units); err != nil || len(units) == 0 {
		t.Errorf("decoding %d access units: %v", len(units), err)
	}
}

// checkLipSync allows 40 ms: less than anybody notices.
func checkLipSync(t *testing.T, v *viewer.Viewer) {
	t.Helper()
	const most = 40 * time.Millisecond
	offsets, err := v.LipSync()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("beep after flash: %v", offsets)
	if len(offsets) < 3 {
		t.Errorf("only %d flashes", len(offsets))
	}
	for _, offset := range offsets {
		if offset.Abs() > most {
			t.Errorf("beep is %v from its flash", offset)
		}
	}
}
