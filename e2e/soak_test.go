//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestSoak streams publishers of 1.2 Mbit/s to a viewer each after the memory
// has settled: 20 for $SOAK, or 6 for a short while that any machine carries.
func TestSoak(t *testing.T) {
	t.Parallel() // with the tests that only wait
	const frameRate = 30
	streams, during := soakSize(t)
	file := filepath.Join(t.TempDir(), "clip.flv")
	source.FFmpeg{Width: 320, Height: 180, FrameRate: frameRate}.Encode(t, file, during+settleTime+30*time.Second)

	s := server.Start(t)
	idle, _ := s.Goroutines()
	var publishers []*proc.Process
	var viewers []*viewer.Viewer
	for i := range streams {
		publishers = append(publishers, source.File(t, file, s.Publish(fmt.Sprintf("soak/%d", i))))
	}
	for i := range streams {
		stream := fmt.Sprintf("soak/%d", i)
		s.WaitLive(stream)
		viewers = append(viewers, viewer.Join(t, s.WHEP(stream)))
	}
	viewers[streams-1].Playing(60)
	settle(t, s)
	for _, v := range viewers {
		v.Video.Mark()
		v.Audio.Mark()
	}
	before := s.Scrape()
	begun := time.Now()
	memory := resident(t, s, during)
	after := s.Scrape().Since(before)
	elapsed := time.Since(begun).Seconds()

	for i, v := range viewers {
		if err := undisturbed(v); err != nil {
			t.Errorf("viewer %d: %v", i, err)
		}
		if ended, err := publishers[i].Ended(); ended {
			t.Errorf("publisher %d ended: %v", i, err)
		}
	}
	for _, name := range []string{"sluice_egress_dropped_frames_total", "sluice_transcode_dropped_frames_total", "sluice_transcode_restarts_total", "sluice_ingest_corrupt_tags_total"} {
		if n := after.Sum(name); n != 0 {
			t.Errorf("%s grew by %v:\n%s", name, n, after.List(name))
		}
	}
	if got, want := after.Sum("sluice_ingest_frames_total", server.Label("kind", "video")), float64(streams*frameRate)*elapsed; got < 0.97*want {
		t.Errorf("%v video frames came in, want %v: the machine does not carry the test", got, want)
	}
	checkFlat(t, memory)
	cpu := after.Sum("process_cpu_seconds_total") / elapsed
	t.Logf("%.2f cores for sluice without its children", cpu)

	for i := range streams {
		publishers[i].Kill()
		if err := viewers[i].Leave(); err != nil {
			t.Errorf("viewer %d: %v", i, err)
		}
	}
	await.Success(t, 30*time.Second, func() error {
		if n, stacks := s.Goroutines(); n > idle {
			return fmt.Errorf("%d goroutines, %d before:\n%s", n, idle, stacks)
		}
		return nil
	})
}

func soakSize(t *testing.T) (streams int, during time.Duration) {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" {
		return 6, 20 * time.Second
	}
	during, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	return 20, during
}

// settleTime is how long caches may take to fill.
const settleTime = 75 * time.Second

// settle waits until memory stays within a few percent for ten seconds.
func settle(t *testing.T, s *server.Server) {
	t.Helper()
	const window = 10
	var samples []float64
	next := time.Now()
	await.Success(t, settleTime, func() error {
		if time.Now().Before(next) {
			return fmt.Errorf("memory does not settle: %.0f bytes, second by second", samples)
		}
		next = next.Add(time.Second)
		samples = append(samples, s.Scrape().Sum("process_resident_memory_bytes"))
		last := samples[max(0, len(samples)-window):]
		if len(last) < window || slices.Max(last) > 1.05*slices.Min(last) {
			return fmt.Errorf("memory does not settle: %.0f bytes, second by second", samples)
		}
		t.Logf("memory settled at %.1f MB after %d s", last[window-1]/1e6, len(samples))
		return nil
	})
}

// resident samples the resident set of sluice, in bytes.
func resident(t *testing.T, s *server.Server, during time.Duration) []float64 {
	t.Helper()
	var samples []float64
	next := time.Now()
	await.Holds(t, during, func() error {
		if time.Now().After(next) {
			next = next.Add(time.Second)
			samples = append(samples, s.Scrape().Sum("process_resident_memory_bytes"))
		}
		return nil
	})
	return samples
}

// checkFlat compares the last quarter with the first.
func checkFlat(t *testing.T, samples []float64) {
	t.Helper()
	quarter := len(samples) / 4
	early, late := median(samples[:quarter]), median(samples[3*quarter:])
	t.Logf("resident memory %.1f MB early, %.1f MB late", early/1e6, late/1e6)
	if late > early*1.1+4e6 {
		t.Errorf("memory grew from %.1f to %.1f MB", early/1e6, late/1e6)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
