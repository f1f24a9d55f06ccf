package egress

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
)

// catcher keeps the frames delivered to it.
type catcher struct{ frames []*Frame }

func (c *catcher) Deliver(f *Frame) { c.frames = append(c.frames, f) }

func testHub(ended func()) *Hub {
	m := metrics.New(prometheus.NewRegistry()).Egress("live/x")
	return newHub("live/x", time.Minute, m, slog.New(slog.DiscardHandler), ended)
}

func mustPublish(t *testing.T, h *Hub) *Publication {
	t.Helper()
	p, err := h.publish()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHubGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		h := testHub(func() { ended.Add(1) })
		p := mustPublish(t, h)
		if _, err := h.publish(); !errors.Is(err, ErrStreamBusy) {
			t.Errorf("a second publication: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := h.admit(t.Context(), 0); !errors.Is(err, ErrNotLive) {
			t.Errorf("a viewer between publications: %v", err)
		}
		time.Sleep(59 * time.Second)
		p = mustPublish(t, h) // back in time
		time.Sleep(time.Hour)
		if ended.Load() != 0 {
			t.Error("ended although its publisher came back")
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		if n := ended.Load(); n != 1 {
			t.Errorf("ended %d times after the grace", n)
		}
		if _, err := h.publish(); !errors.Is(err, ErrClosed) {
			t.Errorf("a publication of an ended hub: %v", err)
		}
	})
}

// A publisher that comes back with timestamps from 0 goes on in the same
// stream: time moves by what passed, audio and video stay together.
func TestRepublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := testHub(func() {})
		c := &catcher{}
		h.Subscribe(c)
		for range 3 {
			p := mustPublish(t, h)
			video := mediatest.VideoStream{Epoch: time.Now()}.AccessUnits(30)
			audio := mediatest.AudioStream{Epoch: time.Now()}.Opus(50)
			for i := range audio {
				if i < len(video) {
					write(t, p.WriteVideo(video[i]))
				}
				write(t, p.WriteAudio(audio[i]))
			}
			write(t, p.Close())
			if err := p.WriteVideo(video[0]); !errors.Is(err, ErrClosed) {
				t.Errorf("a write after Close: %v", err)
			}
			time.Sleep(10 * time.Second)
		}
		var last [2]time.Duration
		for i, f := range c.frames {
			if i > 0 && last[f.Kind] > 0 && f.PTS <= last[f.Kind] {
				t.Fatalf("frame %d (%d) at %v after %v", i, f.Kind, f.PTS, last[f.Kind])
			}
			last[f.Kind] = f.PTS
		}
		first, second, third := c.frames[0].PTS, c.frames[80].PTS, c.frames[160].PTS
		if second-first != 10*time.Second || third-second != 10*time.Second {
			t.Errorf("publications begin at %v, %v, %v; want 10 s between them", first, second, third)
		}
		if off := c.frames[161].PTS - third; off != 0 {
			t.Errorf("audio begins %v from video", off)
		}
	})
}

func write(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestUnservedCodecs(t *testing.T) {
	h := testHub(func() {})
	c := &catcher{}
	h.Subscribe(c)
	p := mustPublish(t, h)
	if err := p.WriteVideo(&media.AccessUnit{Codec: media.AAC}); err == nil {
		t.Error("AAC was taken for video")
	}
	for _, a := range mediatest.AAC(3) {
		write(t, p.WriteAudio(a))
	}
	if len(c.frames) != 0 {
		t.Error("AAC was delivered")
	}
	if a := h.info().Audio; a == nil || a.Codec != "AAC" || a.SampleRate != 48000 {
		t.Errorf("the source's audio is described as %+v", a)
	}
}

func TestBFrames(t *testing.T) {
	plain := &media.ParameterSets{Width: 1280, Height: 720}
	says := &media.ParameterSets{Width: 1280, Height: 720, ReorderFrames: 2}
	cases := []struct {
		name string
		sets *media.ParameterSets
		pts  []int // ms
		want bool
	}{
		{"none", plain, []int{0, 33, 67, 100}, false},
		{"the SPS allows them and the first picture waits", says, []int{66, 100}, true},
		{"the SPS allows them, none waits", says, []int{0, 33}, false},
		{"seen", plain, []int{66, 166, 100, 133}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := testHub(func() {})
			p := mustPublish(t, h)
			for i, ms := range c.pts {
				write(t, p.WriteVideo(&media.AccessUnit{
					Codec: media.H264, NALUs: [][]byte{{0x65, 1}}, IDR: i == 0, ParameterSets: c.sets,
					DTS: time.Duration(i) * 33 * time.Millisecond, PTS: time.Duration(ms) * time.Millisecond,
					Arrival: time.Now(),
				}))
			}
			v := h.info().Video
			if v.BFrames != c.want || (v.Hint != "") != c.want || testutil.ToFloat64(h.metrics.BFrames) == 1 != c.want {
				t.Errorf("B-frames: %+v", v)
			}
		})
	}
}

// TestTreatment: what a stage has done about B-frames is told; an access unit
// that is withheld reaches nobody, and nothing from before it is replayed.
func TestTreatment(t *testing.T) {
	h := testHub(func() {})
	p := mustPublish(t, h)
	var got catcher
	h.Subscribe(&got)
	n := 0
	put := func(treatment *media.Treatment) *VideoInfo {
		t.Helper()
		n++
		at := time.Duration(n) * 33 * time.Millisecond
		write(t, p.WriteVideo(&media.AccessUnit{
			Codec: media.H264, NALUs: [][]byte{{0x65, 1}}, IDR: true, DTS: at, PTS: at, Arrival: time.Now(), Treatment: treatment,
			ParameterSets: &media.ParameterSets{Width: 1280, Height: 720},
		}))
		return h.info().Video
	}
	reencoded := media.Treatment{Cause: media.BFrames, Action: media.Reencoded}
	withheld := reencoded
	withheld.Withheld = true
	if v := put(&reencoded); !v.BFrames || v.Treatment != "re-encoded" || !strings.Contains(v.Hint, "bframes=0") || len(got.frames) != 1 {
		t.Errorf("re-encoded: %+v; %d frames delivered", v, len(got.frames))
	}
	if v := put(&withheld); !v.BFrames || v.Treatment != "re-encoded" || len(got.frames) != 1 || len(h.Replay().Frames) != 0 {
		t.Errorf("withheld: %+v; %d frames delivered, %d to replay", v, len(got.frames), len(h.Replay().Frames))
	}
	if v := put(&media.Treatment{Cause: media.High10, Action: media.Thinned, Reason: "all are taken"}); v.BFrames || v.Treatment != "keyframes only" || !strings.Contains(v.Hint, "all are taken") || len(got.frames) != 2 {
		t.Errorf("thinned: %+v; %d frames delivered", v, len(got.frames))
	}
	if v := put(nil); v.BFrames || v.Treatment != "" || v.Hint != "" || len(got.frames) != 3 {
		t.Errorf("untouched: %+v; %d frames delivered", v, len(got.frames))
	}
}

// TestKeyframeRequest: a replay asks once for an IDR.
func TestKeyframeRequest(t *testing.T) {
	h := testHub(func() {})
	p := mustPublish(t, h)
	if p.TakeKeyframeRequest() {
		t.Error("an IDR is wanted before anybody came")
	}
	h.Replay()
	if !p.TakeKeyframeRequest() || p.TakeKeyframeRequest() {
		t.Error("after a replay an IDR is not wanted once")
	}
	h.Replay()
	if p.TakeKeyframeNeed() {
		t.Error("a replay counts as a need")
	}
	h.NeedKeyframe()
	if !p.TakeKeyframeNeed() || p.TakeKeyframeNeed() {
		t.Error("a need is not told of once")
	}
	h.NeedKeyframe()
	for _, au := range mediatest.Video(2, 1) {
		write(t, p.WriteVideo(au))
	}
	if p.TakeKeyframeNeed() || p.TakeKeyframeRequest() {
		t.Error("an IDR is wanted after one came")
	}
}

func TestMeasuredFrameRate(t *testing.T) {
	h := testHub(func() {})
	p := mustPublish(t, h)
	for i := range 200 {
		at := time.Duration(i) * 40 * time.Millisecond
		write(t, p.WriteVideo(&media.AccessUnit{
			Codec: media.H264, NALUs: [][]byte{{0x65, 1}}, IDR: true, DTS: at, PTS: at, Arrival: time.Now(),
		}))
	}
	if got := h.info().Video.FrameRate; got != 25 {
		t.Errorf("measured %v frames a second, want 25", got)
	}
}

func TestGOP(t *testing.T) {
	at := func(i int) time.Duration { return time.Duration(i) * 100 * time.Millisecond }
	add := func(g *gop, text string, from int) {
		for i, f := range (&notation{}).frames(text) {
			f.PTS, f.Index, f.Size = at(from+i), uint64(from+i), 1000
			g.add(f)
		}
	}
	var g gop
	add(&g, "pp", 0)
	if r := g.snapshot(); len(r.Frames) != 0 {
		t.Error("cached frames before the first IDR")
	}
	add(&g, "Ippp", 2)
	if r := g.snapshot(); len(r.Frames) != 4 || !r.Whole || r.Steady || r.Bitrate != 4*8000*10/3 {
		t.Errorf("first GOP: %+v", r)
	}
	before := g.snapshot()
	add(&g, "IpppIppp", 6)
	r := g.snapshot()
	if len(r.Frames) != 4 || r.Frames[0].Index != 10 || !r.Steady || r.UntilIDR != at(1) || r.Bitrate != 80_000 {
		t.Errorf("third GOP: %+v", r)
	}
	if before.Frames[0].Index != 2 || len(before.Frames) != 4 {
		t.Error("a snapshot changed")
	}
	add(&g, "ppppp", 14)
	if r := g.snapshot(); r.Steady || r.UntilIDR != defaultGOP {
		t.Errorf("a GOP longer than the last: %+v", r)
	}
	for i := range 2 * gopFrames {
		add(&g, "p", 19+i)
	}
	if r := g.snapshot(); r.Whole || len(r.Frames) != 1 || r.Frames[0].Index != 10 {
		t.Errorf("beyond the bounds: %d frames, whole %t", len(r.Frames), r.Whole)
	}
	add(&g, "Ip", 5000)
	if r := g.snapshot(); !r.Whole || len(r.Frames) != 2 {
		t.Errorf("after the bounds: %d frames, whole %t", len(r.Frames), r.Whole)
	}
}
