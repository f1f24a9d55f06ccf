package transcode

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
)

func always() bool { return true }

// newPool returns a Pool that logs to the test, with the ffmpeg of
// SLUICE_TEST_FFMPEG if none is given. At the end of the test it must have no
// process left.
func newPool(t testing.TB, cfg Config) *Pool {
	t.Helper()
	if cfg.FFmpeg == "" {
		cfg.FFmpeg = os.Getenv("SLUICE_TEST_FFMPEG")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	p, err := NewPool(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if n := len(p.alive); n != 0 {
			t.Errorf("%d processes after Close", n)
		}
	})
	return p
}

// rig is an OpusWriter in front of a Recorder.
type rig struct {
	t   testing.TB
	reg *prometheus.Registry
	*OpusWriter
	got   *mediatest.Recorder
	depth int // frames that may be under way, see feed
}

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	reg := prometheus.NewRegistry()
	cfg.Metrics = metrics.New(reg)
	r := &rig{t: t, reg: reg, got: mediatest.NewRecorder(t), depth: 5}
	r.OpusWriter = newPool(t, cfg).NewOpusWriter("live/test", r.got, always)
	t.Cleanup(func() {
		if !r.got.Closed() {
			r.Close()
		}
	})
	return r
}

// fakeClock is a time that goes on when the test says so.
type fakeClock struct{ ns atomic.Int64 }

func (c *fakeClock) now() time.Time           { return time.Unix(1000, c.ns.Load()) }
func (c *fakeClock) advance(by time.Duration) { c.ns.Add(int64(by)) }

// ready waits until there is a process to feed, and returns it.
func (r *rig) ready() (p *process) {
	r.t.Helper()
	if r.encoder == nil {
		r.start()
	}
	within(r.t, 20*time.Second, "a process", func() bool {
		r.encoder.mu.Lock()
		defer r.encoder.mu.Unlock()
		if r.encoder.feed != nil {
			p = r.encoder.feed.process
		}
		return p != nil
	})
	return p
}

// feed writes frames as fast as the encoder takes them; none is dropped.
func (r *rig) feed(frames []*media.AudioFrame) {
	r.t.Helper()
	for _, f := range frames {
		r.ready()
		within(r.t, 20*time.Second, "room in the pipe", func() bool {
			r.encoder.mu.Lock()
			defer r.encoder.mu.Unlock()
			return r.encoder.feed == nil || len(r.encoder.feed.ledger.entries) < r.depth
		})
		r.write(f)
	}
}

// write writes a frame that arrives now.
func (r *rig) write(f *media.AudioFrame) {
	r.t.Helper()
	f.Arrival = time.Now()
	if err := r.WriteAudio(f); err != nil {
		r.t.Fatal(err)
	}
}

// value returns the sum of a family's series, of those with a label value if
// one is given.
func (r *rig) value(name, label string) (sum float64) {
	r.t.Helper()
	return value(r.t, r.reg, name, label)
}

func value(t testing.TB, g prometheus.Gatherer, name, label string) (sum float64) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "sluice_transcode_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			labelled := label == ""
			for _, l := range m.GetLabel() {
				labelled = labelled || l.GetValue() == label
			}
			if labelled {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// undisturbed checks that every frame was encoded, by one process.
func (r *rig) undisturbed() {
	r.t.Helper()
	if n := r.value("restarts_total", ""); n != 0 {
		r.t.Errorf("%v restarts", n)
	}
	for _, reason := range []string{DropStarting, DropLimit, DropFailed, DropPipeFull, DropDead, DropInvalid} {
		if n := r.value("dropped_frames_total", reason); n != 0 {
			r.t.Errorf("%v frames dropped: %s", n, reason)
		}
	}
}

// until returns the packets when the last one ends at or after a time.
func (r *rig) until(end time.Duration) []*media.AudioFrame {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	for {
		got := r.got.Audio()
		if n := len(got); n > 0 && got[n-1].PTS+20*time.Millisecond >= end {
			return got
		}
		if err := r.got.Wait(ctx, 0, len(got)+1); err != nil {
			r.t.Fatalf("waiting for %v: %v", end, err)
		}
	}
}

// within polls until done says yes.
func within(t testing.TB, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(200 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v", what, limit)
		}
	}
}
