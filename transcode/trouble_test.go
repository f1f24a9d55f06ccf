package transcode

import (
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// The first bytes of slices: first_mb_in_slice 0, then slice_type.
var (
	sliceI = []byte{0x65, 0x88} // 7: I
	sliceP = []byte{0x41, 0x9a} // 5: P
	sliceB = []byte{0x01, 0x9e} // 6: B
	slice1 = []byte{0x01, 0xa8} // 1: B
	slice0 = []byte{0x41, 0xc0} // 0: P
)

func TestBSlice(t *testing.T) {
	for _, c := range []struct {
		name  string
		nalus [][]byte
		want  bool
	}{
		{"P", [][]byte{sliceP}, false},
		{"P, some slices", [][]byte{slice0}, false},
		{"B", [][]byte{{6, 5}, sliceB}, true},
		{"B, some slices", [][]byte{slice1}, true},
		{"I", [][]byte{sliceI}, false},
		{"B behind macroblock 239", [][]byte{{0x01, 0x01, 0xe0, 0x70}}, true},
		{"P behind macroblock 239", [][]byte{{0x41, 0x01, 0xe0, 0x60}}, false},
		{"none", [][]byte{{6, 5}}, false},
		{"cut off", [][]byte{{0x01}}, false},
		{"zeros", [][]byte{make([]byte, 100)}, false},
	} {
		if got := hasBSlice(c.nalus); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// FuzzBSlice: whatever a publisher sends is one or not.
func FuzzBSlice(f *testing.F) {
	for _, n := range [][]byte{sliceI, sliceP, sliceB, slice1, slice0, {0x01}, {0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0xff}} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n []byte) {
		if len(n) == 0 {
			return // a media.AccessUnit has none
		}
		if hasBSlice([][]byte{n}) && naluType(n) != naluSlice && naluType(n) != naluPartition {
			t.Error("it is no slice")
		}
	})
}

// TestTrouble goes through streams picture by picture, 40 ms each.
func TestTrouble(t *testing.T) {
	sets := func(profile byte, depth int) *media.ParameterSets {
		return &media.ParameterSets{ProfileLevelID: [3]byte{profile, 0, 30}, ReorderFrames: depth}
	}
	const b, h10 = media.BFrames, media.High10
	type picture struct {
		nalu []byte
		idr  bool
		late int // PTS − DTS, in pictures
		sets *media.ParameterSets
		want media.Cause
	}
	no, yes, open, ten := sets(100, 0), sets(100, 2), sets(77, -1), sets(110, 0)
	for _, c := range []struct {
		name     string
		pictures []picture
	}{
		{"the SPS allows none", []picture{{sliceI, true, 0, no, ""}, {sliceP, false, 0, no, ""}}},
		{"none, with the times of GStreamer's muxer", []picture{{sliceI, true, 2, no, ""}, {sliceP, false, 1, no, ""}, {sliceP, false, 3, no, ""}}},
		{"B slices that need no reordering", []picture{{sliceI, true, 0, no, ""}, {sliceB, false, 0, no, ""}}},
		{"the SPS allows some, and the IDR waits for them", []picture{{sliceI, true, 2, yes, b}, {sliceP, false, 4, yes, b}}},
		{"the SPS allows some that never come", []picture{{sliceI, true, 0, yes, ""}, {sliceP, false, 0, yes, ""}}},
		{"the SPS leaves it open, a B slice comes", []picture{{sliceI, true, 1, open, ""}, {sliceP, false, 3, open, ""}, {sliceB, false, 1, open, b}, {sliceI, true, 1, open, b}}},
		{"the SPS leaves it open, times go back", []picture{{sliceI, true, 1, open, ""}, {sliceP, false, 4, open, ""}, {sliceP, false, 0, open, b}}},
		{"the SPS leaves it open, none come", []picture{{sliceI, true, 0, open, ""}, {sliceP, false, 0, open, ""}}},
		{"they begin in mid-stream", []picture{{sliceI, true, 0, no, ""}, {sliceI, true, 2, yes, b}}},
		{"they end with a new SPS", []picture{{sliceI, true, 2, yes, b}, {sliceP, false, 2, yes, b}, {sliceI, true, 0, no, ""}}},
		{"they end at an IDR only", []picture{{sliceI, true, 2, yes, b}, {sliceP, false, 0, no, b}}},
		{"10-bit", []picture{{sliceI, true, 0, ten, h10}, {sliceP, false, 0, ten, h10}, {sliceI, true, 0, no, ""}}},
		{"4:2:2", []picture{{sliceI, true, 0, sets(122, -1), media.High422}}},
		{"4:4:4", []picture{{sliceI, true, 0, sets(244, -1), media.High444}}},
		{"no parameter sets", []picture{{sliceP, false, 0, nil, ""}}},
	} {
		var f trouble
		for i, p := range c.pictures {
			dts := time.Duration(i) * 40 * time.Millisecond
			au := &media.AccessUnit{
				NALUs: [][]byte{p.nalu}, IDR: p.idr, ParameterSets: p.sets,
				DTS: dts, PTS: dts + time.Duration(p.late)*40*time.Millisecond,
			}
			if got := f.find(au, false); got != p.want {
				t.Errorf("%s, picture %d: %q, want %q", c.name, i, got, p.want)
			}
		}
	}
}

// TestLongGOP: IDRs that are too far apart are trouble until they are not.
func TestLongGOP(t *testing.T) {
	sets := &media.ParameterSets{ProfileLevelID: [3]byte{100, 0, 30}}
	const s, long = time.Second, media.LongGOP
	type picture struct {
		at      time.Duration
		idr     bool
		crowded bool
		want    media.Cause
	}
	for name, pictures := range map[string][]picture{
		"x264's usual at 24 a second": {{s, true, false, ""}, {s + 10416*time.Millisecond, false, false, ""}, {12 * s, true, false, ""}, {22 * s, false, false, ""}},
		"intra refresh":               {{s, true, false, ""}, {11 * s, false, false, ""}, {13 * s, false, false, long}, {3600 * s, false, false, long}},
		"15 s":                        {{s, true, false, ""}, {13 * s, false, false, long}, {16 * s, true, false, long}, {17 * s, false, false, long}, {31 * s, true, false, long}},
		"they come closer":            {{s, true, false, ""}, {13 * s, false, false, long}, {16 * s, true, false, long}, {18 * s, true, false, ""}, {19 * s, false, false, ""}},
		"more than can be kept":       {{s, true, true, ""}, {4 * s, false, true, ""}, {7 * s, false, true, long}, {8 * s, false, false, long}},
		"as much, and IDRs come":      {{s, true, true, ""}, {7 * s, false, true, long}, {9 * s, true, false, ""}, {16 * s, false, true, ""}, {17 * s, true, false, ""}},
	} {
		var f trouble
		for i, p := range pictures {
			nalu := sliceP
			if p.idr {
				nalu = sliceI
			}
			if got := f.find(&media.AccessUnit{NALUs: [][]byte{nalu}, IDR: p.idr, ParameterSets: sets, DTS: p.at, PTS: p.at}, p.crowded); got != p.want {
				t.Errorf("%s, picture %d: %q, want %q", name, i, got, p.want)
			}
		}
	}
}

// TestTroublePasses: where the SPS leaves it open B-frames are believed to have
// ended when none has come for a while, at an IDR.
func TestTroublePasses(t *testing.T) {
	open := &media.ParameterSets{ProfileLevelID: [3]byte{77, 0, 30}, ReorderFrames: -1}
	var f trouble
	find := func(at time.Duration, nalu []byte, idr bool) media.Cause {
		return f.find(&media.AccessUnit{NALUs: [][]byte{nalu}, IDR: idr, ParameterSets: open, DTS: at, PTS: at}, false)
	}
	for _, step := range []struct {
		at   time.Duration
		nalu []byte
		want media.Cause
	}{
		{0, sliceI, ""},
		{time.Second, sliceB, media.BFrames},
		{2 * time.Second, sliceI, media.BFrames},
		{reorderedFor, sliceI, media.BFrames},
		{reorderedFor + 3*time.Second, sliceP, media.BFrames},
		{reorderedFor + 4*time.Second, sliceI, ""},
		{reorderedFor + 5*time.Second, sliceP, ""},
	} {
		if got := find(step.at, step.nalu, naluType(step.nalu) == naluIDR); got != step.want {
			t.Errorf("at %v: %q, want %q", step.at, got, step.want)
		}
	}
}
