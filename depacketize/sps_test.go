package depacketize

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

type spsCase struct {
	name string
	nalu []byte
	want sps
	err  bool
}

func spsCases(t testing.TB) []spsCase {
	x264 := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	head := func(profile, constraints uint32) *bitWriter {
		return (&bitWriter{}).u(8, 0x67).u(8, profile).u(8, constraints).u(8, 30).ue(0)
	}
	// 640x480 progressive without VUI, with a POC type.
	plain := func(profile, constraints, poc uint32) []byte {
		w := head(profile, constraints)
		if hasChromaFormat(profile) {
			w.ue(1, 0, 0).u(2, 0)
		}
		w.ue(0, poc)
		if poc == 0 {
			w.ue(0)
		}
		return w.ue(1).u(1, 0).ue(39, 29).u(1, 1).u(1, 1).u(1, 0).u(1, 0).nalu()
	}
	scaling := head(100, 0).ue(1, 0, 0).u(1, 0).u(1, 1)
	for i := range 8 {
		switch i {
		case 1: // as the default
			scaling.u(1, 1).se(-8)
		case 2: // 8, 135, then as before
			scaling.u(1, 1).se(0, 127, 121)
		case 5, 7: // all 8, then a jump
			n := 16
			if i == 7 {
				n = 64
			}
			scaling.u(1, 1)
			for range n - 1 {
				scaling.se(0)
			}
			scaling.se(-128)
		default:
			scaling.u(1, 0)
		}
	}
	cycle := head(77, 0).ue(0, 1).u(1, 0).se(-2, 1).ue(3).se(1, 2, -70000)
	size := func(w *bitWriter) *bitWriter { return w.ue(1).u(1, 0).ue(39, 29).u(1, 1).u(1, 1).u(1, 0) }
	square := func(w *bitWriter, columns, rows uint32) *bitWriter {
		return w.ue(0, 2, 1).u(1, 0).ue(columns-1, rows-1).u(1, 1).u(1, 1)
	}
	everything := size(head(100, 0).ue(1, 0, 0).u(2, 0).ue(0, 0, 0)).u(1, 1).
		u(1, 1).u(8, 255).u(16, 4).u(16, 3).                              // aspect ratio
		u(1, 1).u(1, 1).                                                  // overscan
		u(1, 1).u(4, 0xb).u(1, 1).u(24, 0x010101).                        // video signal
		u(1, 1).ue(0, 0).                                                 // chroma location
		u(1, 1).u(32, 1001).u(32, 120000).u(1, 1).                        // timing
		u(1, 1).ue(1).u(8, 0).ue(5, 6).u(1, 0).ue(7, 8).u(1, 1).u(20, 0). // NAL HRD
		u(1, 1).ue(0).u(8, 0).ue(5, 6).u(1, 0).u(20, 0).                  // VCL HRD
		u(1, 0).u(1, 1).                                                  // low delay, picture structure
		u(1, 1).u(1, 1).ue(0, 0, 11, 11, 3, 4)                            // restrictions

	return []spsCase{
		{"x264 high", x264("6764002aacd940780227e5c044000003000400000301e03c60c658"), sps{1920, 1080, 60, 2}, false},
		{"x264 baseline", x264("6742c01ed900a02ff97011000003000100000300320f162e48"), sps{640, 360, 25, 0}, false},
		{"x264 main, NTSC", x264("674d400deca0a843cd36022000007d20001d4c01e28532c0"), sps{326, 246, 30000. / 1001, 2}, false},
		{"x264 interlaced", x264("6764001eacd940b424d8088000000300800000190f8a14cb"), sps{720, 576, 25, 2}, false},
		{"x264 4:4:4", x264("67f4000d919b28283fdde022000003000200000300601e28532c"), sps{318, 238, 24, 2}, false},
		{"x264 4:2:2 interlaced", x264("677a0015bcd941510f113e0220000003002000000643e28532c0"), sps{322, 244, 25, 2}, false},
		{"x264 high 10 intra", x264("676e100ba6cb8283f602200000030020000003028080"), sps{320, 240, 10, 0}, false},
		{"x264 HRD and all", x264("67640014acd94141fb01b5010101a50000030001000003001e604000f424001e84e4b28078a14cb0"), sps{320, 240, 15, 2}, false},
		{"x264 grey", x264("6764000cf3650507ec05b2000003000200000300141e28532c"), sps{320, 240, 5, 2}, false},
		{"no VUI", plain(77, 0, 0), sps{640, 480, 0, -1}, false},
		{"no VUI, high", plain(100, 0, 0), sps{640, 480, 0, -1}, false},
		{"no VUI, baseline", plain(66, 0, 0), sps{640, 480, 0, 0}, false},
		{"no VUI, main within baseline", plain(77, 0x80, 0), sps{640, 480, 0, 0}, false},
		{"no VUI, high 10 intra", plain(110, 0x10, 0), sps{640, 480, 0, 0}, false},
		{"no VUI, main with constraint_set3_flag", plain(77, 0x10, 0), sps{640, 480, 0, -1}, false},
		{"no VUI, POC type 2", plain(77, 0, 2), sps{640, 480, 0, 0}, false},
		{"POC type 1", size(cycle).u(1, 0).nalu(), sps{640, 480, 0, -1}, false},
		{"scaling lists", size(scaling.ue(0, 0, 0)).u(1, 0).nalu(), sps{640, 480, 0, -1}, false},
		{"all of the VUI", everything.nalu(), sps{640, 480, 120000. / 2002, 3}, false},
		{"VUI cut short", size(head(77, 0).ue(0, 0, 0)).u(1, 1).u(4, 0).u(1, 1).u(32, 1).u(32, 60).u(1, 1).u(1, 1).data, sps{640, 480, 30, -1}, false},
		{"VUI without a tick", size(head(77, 0).ue(0, 0, 0)).u(1, 1).u(4, 0).u(1, 1).u(32, 0).u(32, 60).u(5, 0).nalu(), sps{640, 480, 0, -1}, false},
		{"separate colour planes", head(244, 0).ue(3).u(1, 1).ue(0, 0).u(2, 0).ue(0, 2, 1).u(1, 0).ue(19, 14).u(1, 1).u(1, 1).u(1, 1).ue(0, 1, 0, 3).u(1, 0).nalu(), sps{319, 237, 0, 0}, false},
		{"largest", square(head(77, 0), 1055, 132).u(2, 0).nalu(), sps{16880, 2112, 0, 0}, false},
		{"too wide", square(head(77, 0), 1056, 1).u(2, 0).nalu(), sps{}, true},
		{"too large", square(head(77, 0), 1000, 1000).u(2, 0).nalu(), sps{}, true},
		{"cropped away", square(head(77, 0), 2, 2).u(1, 1).ue(8, 8, 0, 0).u(1, 0).nalu(), sps{}, true},
		{"id 32", (&bitWriter{}).u(32, 0x674d001e).ue(32, 0, 2, 1).u(1, 0).ue(39, 29).u(4, 0xc).nalu(), sps{}, true},
		{"POC type 3", head(77, 0).ue(0, 3, 1).u(1, 0).ue(39, 29).u(4, 0xc).nalu(), sps{}, true},
		{"chroma format 4", head(100, 0).ue(4).nalu(), sps{}, true},
		{"17 reference frames", head(77, 0).ue(0, 2, 17).nalu(), sps{}, true},
		{"cut short", x264("6764002aacd940"), sps{}, true},
		{"header alone", []byte{0x67}, sps{}, true},
	}
}

func TestSPS(t *testing.T) {
	for _, c := range spsCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseSPS(c.nalu)
			if c.err {
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("error %v, want ErrCorrupt", err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%+v, %v, want %+v", got, err, c.want)
			}
			compareSPS(t, c.nalu, got)
		})
	}
}

// compareSPS checks an SPS against an independent parser, if that takes it, but
// for monochrome pictures: there it takes CropUnitX for 0 (ITU-T H.264 equation
// 7-19 says 1).
func compareSPS(t *testing.T, nalu []byte, got sps) {
	t.Helper()
	var other h264.SPS
	if other.Unmarshal(nalu) != nil || other.SeparateColourPlaneFlag || hasChromaFormat(uint32(other.ProfileIdc)) && other.ChromaFormatIdc == 0 {
		return
	}
	if got.width != other.Width() || got.height != other.Height() {
		t.Errorf("%x: size %dx%d, mediacommon says %dx%d", nalu, got.width, got.height, other.Width(), other.Height())
	}
	if other.VUI == nil {
		return
	}
	if fps := other.FPS(); other.VUI.TimingInfo != nil && other.VUI.TimingInfo.NumUnitsInTick > 0 && got.frameRate != fps {
		t.Errorf("%x: %f fps, mediacommon says %f", nalu, got.frameRate, fps)
	}
	// It takes Exp-Golomb codes of more than 32 bits.
	r := other.VUI.BitstreamRestriction
	if r == nil || max(r.MaxBytesPerPicDenom, r.MaxBitsPerMbDenom, r.Log2MaxMvLengthHorizontal, r.Log2MaxMvLengthVertical, r.MaxNumReorderFrames) > 16 {
		return
	}
	if got.reorderFrames != int(r.MaxNumReorderFrames) {
		t.Errorf("%x: %d reordered, mediacommon says %d", nalu, got.reorderFrames, r.MaxNumReorderFrames)
	}
}

func FuzzSPS(f *testing.F) {
	for _, c := range spsCases(f) {
		f.Add(c.nalu)
	}
	f.Fuzz(func(t *testing.T, nalu []byte) {
		s, err := parseSPS(nalu)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v is not ErrCorrupt", err)
			}
			return
		}
		if s.width <= 0 || s.height <= 0 || s.width > 16*maxSideMacroblocks || s.height > 32*maxSideMacroblocks || s.reorderFrames < -1 || s.reorderFrames > 16 || s.frameRate < 0 {
			t.Errorf("%+v", s)
		}
		compareSPS(t, nalu, s)
	})
}
