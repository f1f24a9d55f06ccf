package transcode

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// videoDelays is a media.Writer that notes when the picture of a time came.
type videoDelays struct {
	media.Writer // nil: nothing else is called
	mu           sync.Mutex
	came         map[time.Duration]time.Time // by PTS
	completed    []time.Duration             // after the message that let it be returned
}

func (d *videoDelays) WriteVideo(au *media.AccessUnit) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.came[au.PTS] = time.Now()
	d.completed = append(d.completed, time.Since(au.Arrival))
	return nil
}

func (*videoDelays) Close() error { return nil }

// BenchmarkVideoDelay measures how long pictures with B-frames take that come
// in real time, 30 a second, from their own arrival, reordering included, and
// from the arrival of the one that completed their order:
//
//	go test -bench VideoDelay -benchtime 300x ./transcode
func BenchmarkVideoDelay(b *testing.B) {
	for _, size := range []string{"1280x720", "1920x1080"} {
		b.Run(size, func(b *testing.B) {
			source := encodeH264(b, size, 30, time.Duration(b.N+1)*time.Second/30, "-preset veryfast -pix_fmt yuv420p -b:v 2500k")
			got := videoDelays{came: map[time.Duration]time.Time{}}
			w := newPool(b, Config{Spares: -1}).NewVideoWriter("live/bench", "", &got, always, func() bool { return false })
			b.ResetTimer()
			sent, begin := map[time.Duration]time.Time{}, time.Now()
			for _, au := range source {
				time.Sleep(time.Until(begin.Add(au.DTS - source[0].DTS)))
				au.Arrival = time.Now()
				sent[au.PTS] = au.Arrival
				if err := w.WriteVideo(au); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			w.Close()
			var own []time.Duration
			for pts, at := range got.came {
				if pts > time.Second {
					own = append(own, at.Sub(sent[pts]))
				}
			}
			for name, list := range map[string][]time.Duration{"own": own, "completed": got.completed[min(30, len(got.completed)):]} {
				slices.Sort(list)
				for _, percent := range []int{50, 95} {
					if len(list) > 0 {
						b.ReportMetric(float64(list[len(list)*percent/100].Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", name, percent))
					}
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
