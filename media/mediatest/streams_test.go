package mediatest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
)

// The streams as an independent implementation reads them.
func TestStreamsAreReal(t *testing.T) {
	for _, s := range []VideoStream{{}, {BFrames: true, GOP: 30, Slices: 3}} {
		sets := s.ParameterSets()
		var sps h264.SPS
		if err := sps.Unmarshal(sets.SPS[0]); err != nil {
			t.Fatal(err)
		}
		if sps.Width() != sets.Width || sps.Height() != sets.Height || sps.FPS() != sets.FrameRate ||
			int(sps.VUI.BitstreamRestriction.MaxNumReorderFrames) != sets.ReorderFrames {
			t.Errorf("the SPS says %+v, ParameterSets %+v", sps, sets)
		}
		units := s.AccessUnits(90)
		pts := make(map[int64]bool)
		for _, au := range units {
			if h264.IsRandomAccess(au.NALUs) != au.IDR {
				t.Errorf("IDR is %v at %v", au.IDR, au.DTS)
			}
			pts[int64(au.PTS)] = true
		}
		if len(pts) != len(units) {
			t.Errorf("%d access units have %d different PTS", len(units), len(pts))
		}
	}
	aac := AAC(1)[0]
	var asc mpeg4audio.AudioSpecificConfig
	if err := asc.Unmarshal(aac.Config.ASC); err != nil || asc.SampleRate != 48000 {
		t.Errorf("AudioSpecificConfig %+v, %v", asc, err)
	}
	o := Opus(1)[0]
	if d := opus.PacketDuration2(o.Data); d != 960 {
		t.Errorf("the Opus packet has %d samples, want 960", d)
	}
}

func TestStreamsGoOn(t *testing.T) {
	whole := VideoStream{BFrames: true}.AccessUnits(100)
	parts := slices.Concat(VideoStream{BFrames: true}.AccessUnits(37), VideoStream{BFrames: true, Sequence: 37}.AccessUnits(63))
	if !reflect.DeepEqual(whole, parts) {
		t.Error("video in two parts differs from video in one")
	}
	if !reflect.DeepEqual(Opus(10)[4:], AudioStream{Sequence: 4}.Opus(6)) {
		t.Error("audio in two parts differs from audio in one")
	}
}
