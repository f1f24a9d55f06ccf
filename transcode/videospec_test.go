package transcode

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

func TestSpec(t *testing.T) {
	hd := &media.ParameterSets{Width: 1280, Height: 720, FrameRate: 60}
	for _, c := range []struct {
		name string
		sets *media.ParameterSets
		rate rate
		want videoSpec
	}{
		{"nothing measured", hd, rate{}, videoSpec{1280, 720, 60, 5_529_600}},
		{"measured", hd, rate{bits: [rateSpans]int{2_000_000, 2_500_000}, fps: 30}, videoSpec{1280, 720, 30, 3_000_000}},
		{"a picture that stands still", hd, rate{bits: [rateSpans]int{10_000}, fps: 30}, videoSpec{1280, 720, 30, 1_105_920}},
		{"no frame rate", &media.ParameterSets{Width: 64, Height: 36}, rate{}, videoSpec{64, 36, 30, 100_000}},
		{"a frame rate that cannot be", &media.ParameterSets{Width: 64, Height: 36, FrameRate: 90000}, rate{}, videoSpec{64, 36, 30, 100_000}},
	} {
		if got := specOf(c.sets, &c.rate); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestSuits(t *testing.T) {
	s := videoSpec{1280, 720, 30, 3_000_000}
	for _, c := range []struct {
		other videoSpec
		want  bool
	}{
		{videoSpec{1280, 720, 60, 4_000_000}, true},
		{videoSpec{1280, 720, 30, 5_000_000}, false},
		{videoSpec{1280, 720, 30, 1_400_000}, false},
		{videoSpec{1280, 704, 30, 3_000_000}, false},
	} {
		if got := s.suits(c.other); got != c.want {
			t.Errorf("%+v: %v", c.other, got)
		}
	}
}

// TestEncoders: each is asked for no B-frames, no delay and IDRs on demand.
func TestEncoders(t *testing.T) {
	for name, want := range map[string]string{
		X264:  "-tune zerolatency -x264-params fps=30.000 -forced-idr 1 -sc_threshold 0 -threads 1",
		NVENC: "-zerolatency 1 -delay 0 -forced-idr 1",
		QSV:   "-async_depth 1 -look_ahead 0 -forced_idr 1",
		VAAPI: "-async_depth 1 -rc_mode CBR",
	} {
		args := strings.Join(videoSpec{1280, 720, 30, 3_000_000}.arguments(name), " ")
		for _, part := range []string{want, "-c:v " + name, "-bf 0", "-b:v 3000000", "-force_key_frames expr:mod(round(t*1000),2)"} {
			if !strings.Contains(args, part) {
				t.Errorf("%s: no %q in %s", name, part, args)
			}
		}
	}
}

func TestRate(t *testing.T) {
	var r rate
	add := func(n, size int, start time.Duration) {
		for i := range n {
			r.add(&media.AccessUnit{NALUs: [][]byte{make([]byte, size/2), make([]byte, size/2)}, DTS: start + time.Duration(i)*40*time.Millisecond})
		}
	}
	add(10, 5000, 0)
	if r.bitrate() != 0 || r.fps != 0 {
		t.Errorf("after 0.4 s it is %d bit/s, %v pictures/s", r.bitrate(), r.fps)
	}
	add(101, 5000, 400*time.Millisecond)
	if r.bitrate() != 1_000_000 || r.fps != 25 {
		t.Errorf("it is %d bit/s, %v pictures/s", r.bitrate(), r.fps)
	}
	add(101, 2500, 5*time.Second)
	if r.bitrate() < 990_000 || r.bits[0] != 500_000 {
		t.Errorf("after a quiet while it is %d bit/s, now %d", r.bitrate(), r.bits[0])
	}
	add(60, 5000, 0) // back in time
	if r.bits[0] != 1_000_000 {
		t.Errorf("after times that went back it is %d bit/s", r.bits[0])
	}
}

func TestCache(t *testing.T) {
	var c cache
	add := func(idr bool, size int) { c.add(&media.AccessUnit{IDR: idr, NALUs: [][]byte{make([]byte, size)}}) }
	add(false, 1)
	if len(c.frames) != 0 || c.last == nil {
		t.Errorf("%d access units before an IDR", len(c.frames))
	}
	for i := range cachePictures {
		add(i == 0, 1)
		if crowded := i+1 > cachePictures*3/4; len(c.frames) != i+1 || c.crowded() != crowded {
			t.Fatalf("%d access units of %d, crowded: %v", len(c.frames), i+1, c.crowded())
		}
	}
	if add(false, 1); len(c.frames) != 0 || !c.crowded() {
		t.Errorf("%d access units where there are too many", len(c.frames))
	}
	if add(true, 1); len(c.frames) != 1 || c.crowded() {
		t.Errorf("%d access units after an IDR", len(c.frames))
	}
	if add(false, cacheBytes); len(c.frames) != 0 {
		t.Errorf("%d access units of too many bytes", len(c.frames))
	}
}

func TestAnnexB(t *testing.T) {
	stream := []byte{0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 6, 5, 0, 0, 1, 0x65, 4, 0, 0, 3, 1, 0, 0, 1, 12, 0xff, 0, 0, 1}
	got := splitAnnexB(stream)
	want := [][]byte{{0x67, 1, 2}, {0x68, 3}, {0x65, 4, 0, 0, 3, 1}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("% x, want % x", got, want)
	}
	if got := splitAnnexB([]byte{1, 2, 3}); len(got) != 0 {
		t.Errorf("% x", got)
	}
}
