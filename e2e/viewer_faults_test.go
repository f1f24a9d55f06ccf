//go:build e2e

package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestViewersComeAndGo is the regression test of a fault in pion/ice 4.4.2:
// a leaving viewer set the deadline of the socket that all share, and the
// others lost packets.
func TestViewersComeAndGo(t *testing.T) {
	const (
		stream  = "live/churn"
		steady  = 20
		during  = 10 * time.Second
		between = 200 * time.Millisecond // 5 a second
	)
	s := server.Start(t)
	source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	var viewers []*viewer.Viewer
	for range steady {
		viewers = append(viewers, viewer.Join(t, s.WHEP(stream)))
	}
	viewers[steady-1].Playing(45)
	for _, v := range viewers {
		v.Video.Mark()
	}

	var guests sync.WaitGroup
	came := 0
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for begun := time.Now(); time.Since(begun) < during; came++ {
		<-ticker.C
		guests.Go(func() {
			v, err := viewer.TryJoin(t, s.WHEP(stream))
			if err == nil {
				err = v.Leave()
			}
			if err != nil {
				t.Errorf("guest: %v", err)
			}
		})
	}
	guests.Wait()
	t.Logf("%d guests", came)
	for i, v := range viewers {
		if err := undisturbed(v); err != nil {
			t.Errorf("viewer %d: %v", i, err)
		}
	}
	if n := s.Scrape().Sum("sluice_egress_viewers"); n != steady {
		t.Errorf("%v viewers, want %d", n, steady)
	}
}

// TestAbandonedSessions: offers whose viewers never connect are freed.
func TestAbandonedSessions(t *testing.T) {
	t.Parallel() // it only waits
	const stream, sessions = "live/abandoned", 5
	s := server.Start(t)
	source.FFmpeg{Width: 160, Height: 90, FrameRate: 5}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	for range sessions {
		viewer.Abandon(t, s.WHEP(stream))
	}
	if n := s.Scrape().Sum("sluice_whep_sessions"); n != sessions {
		t.Errorf("%v sessions, want %d", n, sessions)
	}
	await.Success(t, time.Minute, func() error {
		if n := s.Scrape().Sum("sluice_whep_sessions"); n != 0 {
			return fmt.Errorf("%v sessions left", n)
		}
		return nil
	})
}
