package transcode

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

func always() bool { return true }

// newPool returns a Pool that logs to the test.
func newPool(t testing.TB, cfg Config) *Pool {
	t.Helper()
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
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
	t    testing.TB
	pool *Pool
	*OpusWriter
	got *mediatest.Recorder
}

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	pool := newPool(t, cfg)
	got := mediatest.NewRecorder(t)
	r := &rig{t, pool, pool.NewOpusWriter("live/test", got, always), got}
	t.Cleanup(func() {
		if !got.Closed() {
			r.Close()
		}
	})
	return r
}

// ready waits until there is a process to feed.
func (r *rig) ready() {
	r.t.Helper()
	if r.encoder == nil {
		r.start()
	}
	within(r.t, 10*time.Second, "a process", func() bool {
		r.encoder.mu.Lock()
		defer r.encoder.mu.Unlock()
		return r.encoder.feed != nil
	})
}

// feed writes frames as fast as the encoder takes them, none is dropped.
func (r *rig) feed(frames []*media.AudioFrame) {
	r.t.Helper()
	for _, f := range frames {
		r.ready()
		r.room()
		f.Arrival = time.Now()
		if err := r.WriteAudio(f); err != nil {
			r.t.Fatal(err)
		}
	}
}

// room waits until ffmpeg has read most of its pipe: not more than 5 frames
// are under way.
func (r *rig) room() {
	within(r.t, 10*time.Second, "room in the pipe", func() bool {
		r.encoder.mu.Lock()
		defer r.encoder.mu.Unlock()
		return r.encoder.feed != nil && len(r.encoder.feed.ledger.entries) < 5
	})
}

// until returns the packets when the last one ends at or after a time.
func (r *rig) until(end time.Duration) []*media.AudioFrame {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
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
