//go:build e2e

package e2e

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// latency is what one viewer of one stream sees, at the median.
type latency struct {
	// From sluice's own histogram, as the upper bound of a bucket: from the
	// last byte of an RTMP message having been read to the last packet of its
	// frame having been sent.
	video, audio time.Duration

	// From our write of an RTMP message to our reading of its last packet: as
	// above and two passes through the kernel, this process and SRTP.
	through time.Duration
}

// TestLatency holds the product to its promise.
func TestLatency(t *testing.T) {
	l := measureLatency(t, 8*time.Second)
	t.Logf("median: video ≤ %v, audio ≤ %v; write to read %v", l.video, l.audio, l.through)
	if l.video > time.Millisecond {
		t.Errorf("video takes %v at the median", l.video)
	}
	if l.audio > 25*time.Millisecond {
		t.Errorf("audio takes %v at the median", l.audio)
	}
	if l.through > 5*time.Millisecond {
		t.Errorf("video takes %v at the median from write to read", l.through)
	}
}

// BenchmarkLatency measures over N seconds; run it with -benchtime 30x.
func BenchmarkLatency(b *testing.B) {
	l := measureLatency(b, time.Duration(b.N+9)*time.Second)
	b.ReportMetric(milliseconds(l.video), "video-ms/p50")
	b.ReportMetric(milliseconds(l.audio), "audio-ms/p50")
	b.ReportMetric(milliseconds(l.through), "write-to-read-ms/p50")
	b.ReportMetric(0, "ns/op") // means nothing here
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func measureLatency(tb testing.TB, length time.Duration) latency {
	tb.Helper()
	const stream = "live/latency"
	file := filepath.Join(tb.TempDir(), "clip.flv")
	source.FFmpeg{}.Encode(tb, file, length)
	tags, err := rtmp.ReadFLV(file)
	if err != nil {
		tb.Fatal(err)
	}
	s := server.Start(tb)
	publisher, err := rtmp.Publish(s.RTMP, "live", "latency")
	if err != nil {
		tb.Fatal(err)
	}
	defer publisher.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sent := map[int64]time.Time{} // by timestamp, valid after played
	played := make(chan error, 1)
	go func() {
		played <- publisher.Play(ctx, tags, func(tag rtmp.Tag, at time.Time) {
			if tag.Type == rtmp.Video && tag.Frame() {
				sent[int64(tag.Timestamp)] = at
			}
		})
	}()
	s.WaitLive(stream)
	v := viewer.Join(tb, s.WHEP(stream))
	v.Playing(60)
	v.Video.Keep()
	before := s.Scrape()
	if err := <-played; err != nil {
		tb.Fatal(err)
	}
	after := s.Scrape().Since(before)
	v.Video.Mark()
	await.Success(tb, 5*time.Second, func() error { // until everything has arrived
		if v.Video.Stats().Silence < 200*time.Millisecond {
			return errors.New("video goes on")
		}
		return nil
	})
	return latency{
		video:   quantile(tb, after, "video"),
		audio:   quantile(tb, after, "audio"),
		through: writeToRead(tb, sent, v.Video.Packets()),
	}
}

func quantile(tb testing.TB, m server.Metrics, kind string) time.Duration {
	tb.Helper()
	bound, count := m.Quantile(0.5, "sluice_egress_latency_seconds", server.Label("kind", kind))
	if count < 20 || math.IsNaN(bound) || math.IsInf(bound, 0) {
		tb.Fatalf("sluice_egress_latency_seconds of %s: median %v of %v observations", kind, bound, count)
	}
	return time.Duration(bound * float64(time.Second))
}

// writeToRead matches frames by their distance from the last one, which is in
// both lists: publishing has ended and everything has arrived.
func writeToRead(tb testing.TB, sent map[int64]time.Time, packets []viewer.Packet) time.Duration {
	tb.Helper()
	const ticks = 90 // of RTP a millisecond
	lastSent := int64(0)
	for ts := range sent {
		lastSent = max(lastSent, ts)
	}
	last := packets[len(packets)-1].Timestamp
	var delays []time.Duration
	for _, p := range packets {
		if at, ok := sent[lastSent-int64(last-p.Timestamp)/ticks]; ok && p.Marker {
			delays = append(delays, p.Arrival.Sub(at))
		}
	}
	if len(delays) < 20 {
		tb.Fatalf("only %d frames of %d could be matched", len(delays), len(sent))
	}
	slices.Sort(delays)
	return delays[len(delays)/2]
}
