//go:build e2e

package e2e

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/load"
	"github.com/sluice-media/sluice/e2e/server"
)

// TestAudience is the load generator's own test: ten viewers who get every
// packet and read the stamps of the frames, while others come and go.
func TestAudience(t *testing.T) {
	const viewers = 10
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	clip, err := load.NewClip(ctx, filepath.Join(t.TempDir(), "clip.flv"))
	if err != nil {
		t.Fatal(err)
	}
	s := server.Start(t)
	go func() { cancel(clip.Publish(ctx, s.RTMP, "live", "load")) }()
	s.WaitLive("live/load")
	a, err := load.NewAudience(s.WHEP("live/load"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
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
