package transcode

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/depacketize"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
)

// moving is a picture of which no two are alike.
const moving = "testsrc2=size=%s:rate=%d"

// encodeH264 makes access units as an RTMP publisher sends them.
func encodeH264(t testing.TB, size string, rate int, length time.Duration, options string) []*media.AccessUnit {
	t.Helper()
	args := []string{"-f", "lavfi", "-i", fmt.Sprintf(moving, size, rate), "-t", fmt.Sprint(length.Seconds()), "-c:v", "libx264"}
	return publish(t, append(args, strings.Fields(options)...)...).Video()
}

// publish returns what an RTMP publisher sends of what ffmpeg makes.
func publish(t testing.TB, args ...string) *mediatest.Recorder {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clip.flv")
	run(t, nil, append(args, "-y", file)...)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := mediatest.NewRecorder(t)
	d := depacketize.NewDemuxer(got)
	for b = b[13:]; len(b) >= 11; {
		size := int(binary.BigEndian.Uint32(b) & 0xffffff)
		ms := uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6]) | uint32(b[7])<<24
		take := map[byte]func(uint32, []byte, time.Time) error{8: d.Audio, 9: d.Video}[b[0]]
		if take != nil {
			if err := take(ms, b[11:11+size], time.UnixMilli(int64(ms))); err != nil {
				t.Fatal(err)
			}
		}
		b = b[11+size+4:]
	}
	return got
}

// videoRig is a VideoWriter in front of a Recorder.
type videoRig struct {
	t testing.TB
	*VideoWriter
	reg     *prometheus.Registry
	got     *mediatest.Recorder
	faster  time.Duration // than in reality pictures are fed
	watched atomic.Bool
	asked   atomic.Bool
}

func newVideoRig(t testing.TB, cfg Config) *videoRig {
	t.Helper()
	r := &videoRig{t: t, reg: prometheus.NewRegistry(), got: mediatest.NewRecorder(t), faster: 4}
	cfg.Metrics = metrics.New(r.reg)
	cfg.Spares = -1
	r.watched.Store(true)
	pool := newPool(t, cfg)
	pool.behind = time.Hour // whatever else the machine does
	r.VideoWriter = pool.NewVideoWriter("live/test", "", r.got, r.watched.Load, func() bool { return r.asked.Swap(false) })
	t.Cleanup(func() {
		if !r.got.Closed() {
			r.Close()
		}
	})
	return r
}

// feed writes access units at the pace of their DTS, but faster.
func (r *videoRig) feed(units []*media.AccessUnit) {
	r.t.Helper()
	begin := time.Now()
	for _, au := range units {
		time.Sleep(time.Until(begin.Add((au.DTS - units[0].DTS) / r.faster)))
		au := *au
		au.Arrival = time.Now()
		if err := r.WriteVideo(&au); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *videoRig) value(name, label string) float64 {
	r.t.Helper()
	return value(r.t, r.reg, name, label)
}

// shown waits until the picture of a time has come, and returns all that are
// to be shown.
func (r *videoRig) shown(until time.Duration) (units []*media.AccessUnit) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	for n := 0; ; n++ {
		units = slices.DeleteFunc(r.got.Video(), func(au *media.AccessUnit) bool { return au.Treatment != nil && au.Treatment.Withheld })
		if k := len(units); k > 0 && units[k-1].PTS >= until {
			return units
		}
		if err := r.got.Wait(ctx, n, 0); err != nil {
			r.t.Fatalf("%v; %d pictures have come, the last wanted is of %v", err, len(units), until)
		}
		n = max(n, len(r.got.Video()))
	}
}

// lastPTS is the last PTS but depth, which is more than a decoder keeps back.
func lastPTS(units []*media.AccessUnit, depth int) time.Duration {
	pts := make([]time.Duration, 0, len(units))
	for _, au := range units {
		pts = append(pts, au.PTS)
	}
	slices.Sort(pts)
	return pts[len(pts)-1-depth]
}

// grey decodes access units with ffmpeg, an independent decoder, and returns
// their pictures, small and grey, in output order.
func grey(t testing.TB, units []*media.AccessUnit) (pictures [][]byte) {
	t.Helper()
	const width, height = 64, 36
	var stream []byte
	for _, au := range units {
		for _, n := range au.NALUs {
			stream = append(append(stream, 0, 0, 0, 1), n...)
		}
	}
	raw := run(t, stream, "-f", "h264", "-i", "-", "-fps_mode", "passthrough", "-vf", fmt.Sprintf("scale=%d:%d:flags=area", width, height), "-pix_fmt", "gray", "-f", "rawvideo", "-")
	for p := range slices.Chunk(raw, width*height) {
		pictures = append(pictures, p)
	}
	return pictures
}

func distance(a, b []byte) (sum float64) {
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(a)))
}

// same checks that each picture that came is that of the source with its PTS
// and of no other, that they came in order, and returns how many are missing
// of those from the first that came on.
func same(t testing.TB, source, came []*media.AccessUnit) (missing int) {
	t.Helper()
	order := slices.Clone(source)
	slices.SortFunc(order, func(a, b *media.AccessUnit) int { return int(a.PTS - b.PTS) })
	want, got := grey(t, source), grey(t, came)
	if len(want) != len(source) || len(got) != len(came) {
		t.Fatalf("%d pictures of %d access units of the source, %d of %d of those that came", len(want), len(source), len(got), len(came))
	}
	first, last := -1, -1
	for i, au := range came {
		n := slices.IndexFunc(order, func(s *media.AccessUnit) bool { return s.PTS == au.PTS })
		if n < 0 || n <= last {
			t.Fatalf("picture %d has the time of picture %d, the one before that of %d", i, n, last)
		}
		if first < 0 {
			first = n
		}
		if last >= 0 && n != last+1 {
			t.Logf("after picture %d comes %d", last, n)
		}
		last = n
		here := distance(got[i], want[n])
		for _, other := range []int{n - 1, n + 1} {
			if other >= 0 && other < len(want) && distance(got[i], want[other]) <= here {
				t.Errorf("picture %d, with the time of %d, looks like %d", i, n, other)
			}
		}
		if au.PTS != au.DTS || hasBSlice(au.NALUs) {
			t.Errorf("picture %d: PTS %v, DTS %v, B slices: %v", i, au.PTS, au.DTS, hasBSlice(au.NALUs))
		}
	}
	return last - first + 1 - len(came)
}

// TestPresets: what x264's presets and other settings make of B-frames comes
// out without them, each picture with its time.
func TestPresets(t *testing.T) {
	for _, c := range []struct {
		name, options string
		cause         media.Cause
	}{
		{"veryfast", "-preset veryfast -pix_fmt yuv420p -g 30", media.BFrames},
		{"medium", "-preset medium -pix_fmt yuv420p -g 250", media.BFrames},
		{"two without a pyramid", "-preset veryfast -pix_fmt yuv420p -bf 2 -g 30 -x264-params b-pyramid=none", media.BFrames},
		{"pyramid of many", "-preset medium -pix_fmt yuv420p -bf 8 -g 60 -x264-params b-adapt=0:b-pyramid=normal", media.BFrames},
		{"open GOP", "-preset veryfast -pix_fmt yuv420p -bf 3 -g 15 -x264-params open-gop=1", media.BFrames},
		{"intra refresh", "-preset veryfast -pix_fmt yuv420p -bf 3 -g 30 -x264-params intra-refresh=1", media.BFrames},
		{"interlaced", "-preset veryfast -pix_fmt yuv420p -bf 2 -g 30 -flags +ildct+ilme", media.BFrames},
		{"10-bit", "-preset superfast -bf 0 -pix_fmt yuv420p10le -g 30", media.High10},
		{"10-bit with B-frames", "-preset veryfast -pix_fmt yuv420p10le -g 30", media.High10},
		{"4:2:2", "-preset superfast -pix_fmt yuv422p -g 30", media.High422},
		{"4:4:4", "-preset superfast -pix_fmt yuv444p -g 30", media.High444},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := encodeH264(t, "320x180", 30, 2*time.Second, c.options)
			r := newVideoRig(t, Config{MaxVideoEncoders: 20})
			r.feed(source[:1])
			r.process() // which may take longer to start than the rest takes
			r.feed(source[1:])
			came := r.shown(lastPTS(source, 12))
			missing := same(t, source, came)
			if first := came[0].PTS - source[0].PTS; missing > 0 || first > 2*time.Second {
				t.Errorf("%d pictures are missing, the first is of %v", missing, first)
			}
			for _, au := range came {
				if au.Treatment == nil || *au.Treatment != (media.Treatment{Cause: c.cause, Action: media.Reencoded}) {
					t.Fatalf("treatment is %+v", au.Treatment)
				}
			}
			if p := came[0].ParameterSets; p.Width != 320 || p.Height != 180 || profileTrouble(p) != "" {
				t.Errorf("parameter sets: %+v", p)
			}
		})
	}
}
