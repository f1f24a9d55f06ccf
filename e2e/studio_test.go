//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/relay"
	"github.com/sluice-media/sluice/e2e/server"
)

// TestBrowserGoesLive publishes from Chromium's made-up camera, whose picture
// moves and which beeps, by the page for it.
func TestBrowserGoesLive(t *testing.T) {
	chromium := browser.StartChromium(t, browser.FakeCamera()...)
	t.Run("watched", func(t *testing.T) { goesLive(t, chromium) })
	t.Run("vanishes", func(t *testing.T) { vanishes(t, chromium) })
	t.Run("lossy link", func(t *testing.T) { crossesALossyLink(t, chromium) })
}

// goesLive watches what is published in a player, stops and goes live again.
func goesLive(t *testing.T, chromium *browser.Chromium) {
	s := server.Start(t)
	studio := chromium.Open(t, s.Studio("live/cam"))
	studio.Click("start")
	studio.WaitState("live", 15*time.Second)
	s.WaitLive("live/cam")
	page := chromium.Open(t, s.Watch("live/cam"))
	page.WaitState("live", 10*time.Second)
	page.Unmute()
	attempts(t, func() error {
		first := page.Playback()
		watch(t, 3*time.Second)
		last := page.Playback()
		t.Logf("%.1f fps of %d×%d, energy %.4f", last.FrameRate(first), last.Width, last.Height, last.AudioEnergy-first.AudioEnergy)
		switch {
		case last.FrameRate(first) < 10 || last.Width < 320:
			return fmt.Errorf("%.1f pictures a second of %d pixels' width", last.FrameRate(first), last.Width)
		case last.AudioEnergy <= first.AudioEnergy:
			return fmt.Errorf("no sound")
		}
		return nil
	})
	page.Screenshot("studio-watched")
	studio.Screenshot("studio")

	studio.Click("stop")
	page.WaitState("offline", 5*time.Second)
	studio.Click("start") // the name is free again
	studio.WaitState("live", 15*time.Second)
	page.WaitState("live", 15*time.Second)
	if m := s.Scrape(); m.Sum("sluice_whip_sessions_ended_total") != 1 || m.Sum("sluice_ingest_publications_total", `door="whip"`) != 2 {
		t.Errorf("sessions ended, publications:\n%s\n%s", m.List("sluice_whip_sessions_ended_total"), m.List("sluice_ingest_publications_total"))
	}
}

// vanishes: a publisher that is gone without a word gives its name to the next
// one who asks.
func vanishes(t *testing.T, chromium *browser.Chromium) {
	s := server.Start(t)
	first := chromium.Open(t, s.Studio("live/cam"))
	first.Click("start")
	first.WaitState("live", 15*time.Second)
	first.Run(`window.fetch = () => Promise.reject(new Error("no network")); window.sluice.pc.getSenders().forEach((s) => s.replaceTrack(null));`)
	second := chromium.Open(t, s.Studio("live/cam"))
	second.Click("start")
	second.WaitState("live", 15*time.Second)
	await.Success(t, 5*time.Second, func() error {
		if n := s.Scrape().Sum("sluice_whip_sessions_ended_total", `reason="ended"`); n != 1 {
			return fmt.Errorf("%v publications were ended by the server", n)
		}
		return nil
	})
}

// crossesALossyLink sends through a network that loses 5 % of the packets and
// takes 60 ms for a round trip: what is lost is asked for and comes.
func crossesALossyLink(t *testing.T, chromium *browser.Chromium) {
	s := server.Start(t)
	r := relay.Start(t, s.UDP, 60*time.Millisecond)
	studio := chromium.Open(t, s.Studio("live/cam"))
	studio.Run(fmt.Sprintf(`{
		const take = RTCPeerConnection.prototype.setRemoteDescription;
		RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
			return take.call(this, { type, sdp: sdp.replace(/(a=candidate:.* )\d+( typ host)/g, "$1%d$2") });
		};
	}`, r.Port))
	studio.Click("start")
	studio.WaitState("live", 15*time.Second)
	watch(t, time.Second)
	before := s.Scrape()
	r.Lose(0.05)
	watch(t, 5*time.Second)
	r.Lose(0)
	watch(t, time.Second)
	m := s.Scrape().Since(before)
	frames := m.Sum("sluice_ingest_frames_total", `kind="video"`)
	asked, lost := m.Sum("sluice_ingest_requested_packets_total"), m.Sum("sluice_ingest_lost_packets_total", `kind="video"`)
	t.Logf("%.0f pictures; %.0f packets asked for, %.0f lost for good", frames, asked, lost)
	if asked == 0 || lost > asked/10 || frames < 60 {
		t.Errorf("%.0f pictures came in 6 s; %.0f packets were asked for, %.0f lost for good", frames, asked, lost)
	}
}
