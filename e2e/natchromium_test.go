//go:build e2e && nat

package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/lab"
)

// TestChromiumReached is TestReachesEveryViewer with our page in Chromium.
func TestChromiumReached(t *testing.T) {
	l := lab.New(t)
	natServer(t, l)
	for _, n := range networks {
		t.Run(n.name, func(t *testing.T) {
			l.Allow(t, append(n.allow, "tcp dport 8080")...)
			watchFrom(t, l, "TestChromiumBehindNAT", "NAT_PAGE=http://"+lab.Public+":8080/", "NAT_WAY="+n.way, "CHROMIUM="+os.Getenv("CHROMIUM"))
		})
	}
}

// selectedWay tells of the first connection of a page what pion's Far.Way does.
const selectedWay = `(async () => {
	const stats = await window.peerConnections[0].getStats();
	const all = [...stats.values()];
	const transport = all.find((s) => s.type === "transport");
	const pair = stats.get(transport?.selectedCandidatePairId);
	const local = stats.get(pair?.localCandidateId);
	if (!local) return "no pair";
	// Sluice sees its relay from inside, so Chromium finds a candidate of its own
	// behind it, with the relay's port.
	const relay = all.find((s) => s.type === "local-candidate" && s.candidateType === "relay" && s.port === local.port);
	return relay ? relay.relayProtocol + " relay" : local.protocol + " host";
})()`

// TestChromiumBehindNAT is the viewer of TestChromiumReached.
func TestChromiumBehindNAT(t *testing.T) {
	home := os.Getenv("NAT_PAGE")
	if home == "" {
		t.Skip("runs in the namespace of a viewer")
	}
	// Its certificate is signed by nobody.
	page := browser.StartChromium(t, "ignore-certificate-errors").Open(t, home+"watch/live/show")
	start := time.Now()
	page.WaitState("live", 30*time.Second)
	joined := time.Since(start)
	first := page.Playback()
	await.Success(t, 20*time.Second, func() error {
		if n := page.Playback().FramesDecoded - first.FramesDecoded; n < 100 {
			return fmt.Errorf("%d frames were decoded", n)
		}
		return nil
	})
	way := page.Ask(selectedWay)
	t.Logf("watched 100 frames over %s, live after %v", way, joined.Round(time.Millisecond))
	if want := os.Getenv("NAT_WAY"); way != want {
		t.Errorf("the media comes over %s, want %s", way, want)
	}
	page.Screenshot("nat-" + way)
}
