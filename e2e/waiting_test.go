//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestWaitingRoom: a page that is open before the stream has its session
// already, and plays in it when the stream begins.
func TestWaitingRoom(t *testing.T) {
	const stream = "live/later"
	s := server.Start(t, "--waiting-room", "1m")
	page := browser.StartChromium(t).Open(t, s.Watch(stream))
	connected := func() error {
		if p := page.Playback(); p.Connections != 1 || p.State != "connected" {
			return fmt.Errorf("%d connections, the last %q", p.Connections, p.State)
		}
		return nil
	}
	await.Success(t, 10*time.Second, connected)
	page.WaitState("offline", 10*time.Second)
	page.Screenshot("waiting-room")
	if list, err := s.Streams(); err != nil || len(list) != 0 {
		t.Errorf("listed before anybody publishes: %v, %v", list, err)
	}
	source.FFmpeg{Width: 320, Height: 180}.Publish(t, s.Publish(stream))
	page.WaitState("live", 15*time.Second)
	if err := connected(); err != nil {
		t.Errorf("not in the session that it had: %v", err)
	}
	if n := s.Scrape().Sum("sluice_whep_requests_total", server.Label("method", "POST")); n > 2 { // the session and its events
		t.Errorf("%v POSTs for one session", n)
	}
}
