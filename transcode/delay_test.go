package transcode

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// delays is a media.Writer that notes how long after the frame that completed
// it each packet comes.
type delays struct {
	media.Writer // nil: nothing else is called
	mu           sync.Mutex
	list         []time.Duration
}

func (d *delays) WriteAudio(f *media.AudioFrame) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, time.Since(f.Arrival))
	return nil
}

func (*delays) Close() error { return nil }

// BenchmarkDelay measures what the process, the pipes and the muxer add to
// sound that comes in real time, one frame each 21.3 ms, after the first two
// seconds:
//
//	go test -bench Delay -benchtime 500x ./transcode
func BenchmarkDelay(b *testing.B) {
	frames := encodeAAC(b, 48000, 2, 0, time.Duration(b.N+1)*exact(1024, 48000))
	pool := newPool(b, Config{})
	pool.awaitSpares(b, 1)
	var got delays
	w := pool.NewOpusWriter("live/bench", &got, always)
	write := func(f *media.AudioFrame) {
		f.Arrival = time.Now()
		if err := w.WriteAudio(f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	pace(b, frames[:b.N], write)
	b.StopTimer()
	w.Close()
	const start = 100 // packets
	if len(got.list) <= start {
		return
	}
	got.list = got.list[start:]
	slices.Sort(got.list)
	for name, share := range map[string]float64{"p50-ms": .5, "p95-ms": .95, "p99-ms": .99} {
		d := got.list[int(share*float64(len(got.list)-1))]
		b.ReportMetric(float64(d)/float64(time.Millisecond), name)
	}
	b.ReportMetric(0, "ns/op")
}
