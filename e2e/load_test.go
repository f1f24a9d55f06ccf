//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/load"
	"github.com/sluice-media/sluice/e2e/server"
)

// TestAudience is the load generator's own test: ten viewers who get every
// packet and read the stamps of the frames, while others come and go.
func TestAudience(t *testing.T) {
	const viewers = 10
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	s := publishClip(ctx, t, cancel, 2*time.Second)
	a := audience(t, s)
	if err := a.Join(ctx, viewers, 50); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // so that what follows is live
	a.Mark()
	visit, done := context.WithTimeout(ctx, 2*time.Second)
	defer done()
	visitors, err := a.Churn(visit, 10)
	if err != nil {
		t.Error(err)
	}
	m := a.Measure()
	t.Logf("%d visitors; %+v", visitors, m)
	if err := context.Cause(ctx); err != nil {
		t.Errorf("publisher: %v", err)
	}
	if m.Lost > 0 {
		t.Errorf("%d of %d packets lost", m.Lost, m.Sent)
	}
	if least := viewers * 30; m.Frames < least {
		t.Errorf("%d frames of two seconds, want at least %d", m.Frames, least)
	}
	if m.Media.P50 <= 0 || m.Delay.P50 <= 0 || m.Delay.P50 > 100 {
		t.Errorf("join %v ms, frame delay %v ms", m.Media.P50, m.Delay.P50)
	}
}

// publishClip starts a server and a publisher, whose end ends the context.
func publishClip(ctx context.Context, t *testing.T, cancel context.CancelCauseFunc, gop time.Duration) *server.Server {
	t.Helper()
	clip, err := load.NewClip(ctx, filepath.Join(t.TempDir(), "clip.flv"), gop)
	if err != nil {
		t.Fatal(err)
	}
	s := server.Start(t)
	go func() { cancel(clip.Publish(ctx, s.RTMP, "live", "load")) }()
	s.WaitLive("live/load")
	return s
}

// audience returns an empty one that ends with the test.
func audience(t *testing.T, s *server.Server) *load.Audience {
	t.Helper()
	a, err := load.NewAudience(s.WHEP("live/load"), load.Traits{Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// TestStampede has 200 viewers join within two seconds, six seconds after the
// last IDR: all are given those six seconds, none costs the server a copy, and
// those who watch already lose nothing.
func TestStampede(t *testing.T) {
	const (
		watching, joining = 10, 200
		gop               = 10 * time.Second
	)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	s := publishClip(ctx, t, cancel, gop)
	began := time.Now() // with an IDR
	live, all := audience(t, s), audience(t, s)
	if err := live.Join(ctx, watching, 50); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(began.Add(6 * time.Second)))
	before := s.Scrape()
	live.Mark()
	if err := all.Join(ctx, joining, joining/2); err != nil {
		t.Fatal(err)
	}
	await.Success(t, 2*gop, func() error {
		after := s.Scrape().Since(before)
		if n := after.Sum("sluice_whep_join_seconds_count", server.Label("stage", "live")); n < joining {
			return fmt.Errorf("%.0f of %d viewers are live; %s", n, joining, repairs(after))
		}
		return nil
	})
	after := s.Scrape()
	m := live.Measure()
	t.Logf("first picture after %+v ms", all.Measure().Media)
	t.Logf("watching: %+v", m)
	t.Logf("replayed %.0f MB; %s", after.Since(before).Sum("sluice_egress_replayed_bytes_total")/1e6, repairs(after.Since(before)))
	if m.Lost > 0 {
		t.Errorf("%d of the %d packets for those who were watching are lost", m.Lost, m.Sent)
	}
	grown := (after.Sum("process_resident_memory_bytes") - before.Sum("process_resident_memory_bytes")) / joining / 1024
	t.Logf("%.0f KiB for each who joined", grown)
	if grown > 1024 {
		t.Errorf("memory grew by %.0f KiB for each who joined", grown)
	}
}
