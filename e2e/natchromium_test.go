//go:build e2e && nat

package e2e

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/lab"
)

// TestChromiumReached is TestReachesEveryViewer with our page in Chromium, over
// IPv4 and over IPv6.
func TestChromiumReached(t *testing.T) {
	l := lab.New(t)
	natServer(t, l)
	reach := func(t *testing.T, host string) {
		for _, n := range networks {
			t.Run(n.name, func(t *testing.T) {
				l.Allow(t, append(n.allow, "tcp dport 8080")...)
				watchFrom(t, l, "TestChromiumBehindNAT", "NAT_PAGE=http://"+host+":8080/", "NAT_WAY="+n.way, "CHROMIUM="+os.Getenv("CHROMIUM"))
			})
		}
	}
	t.Run("IPv4", func(t *testing.T) { reach(t, lab.Public) })
	l.GiveIPv6(t)
	l.TakeIPv4(t)
	t.Run("IPv6", func(t *testing.T) { reach(t, "["+lab.PublicIPv6+"]") })
}

// TestChromiumPublishesThroughHTTPS goes live from Chromium's made-up camera through
// a firewall that lets nothing but HTTPS out.
func TestChromiumPublishesThroughHTTPS(t *testing.T) {
	l := lab.New(t)
	natServer(t, l, "--https-addr=:443")
	l.Allow(t, "tcp dport 443")
	publisher := l.OnViewer(t, viewerOf("TestChromiumPublisherBehindNAT", "NAT_STUDIO=https://"+lab.Public+"/publish?name=live/cam",
		"NAT_WAY=tls relay", "CHROMIUM="+os.Getenv("CHROMIUM"))...)
	await.Success(t, 30*time.Second, func() error {
		if ended, err := publisher.Ended(); ended {
			t.Fatalf("the publisher ended: %v\n%s", err, publisher.Output())
		}
		if !strings.Contains(publisher.Output(), "publishing over") {
			return errors.New("the publisher is not live")
		}
		return nil
	})
	watched(t, l.OnServer(t, viewerOf("TestBehindNAT", "NAT_WHEP=http://127.0.0.1:8080/whep/live/cam", "NAT_WAY=", "NAT_FRAMES=20")...))
	watched(t, publisher)
}

// TestChromiumPublisherBehindNAT is the publisher of
// TestChromiumPublishesThroughHTTPS.
func TestChromiumPublisherBehindNAT(t *testing.T) {
	studio := os.Getenv("NAT_STUDIO")
	if studio == "" {
		t.Skip("runs in the namespace of a viewer")
	}
	page := browser.StartChromium(t, append(browser.FakeCamera(), "ignore-certificate-errors")...).Open(t, studio)
	page.Click("start")
	page.WaitState("live", 30*time.Second)
	way := page.Ask(selectedWay)
	t.Logf("publishing over %s", way)
	if want := os.Getenv("NAT_WAY"); way != want {
		t.Errorf("the media goes over %s, want %s", way, want)
	}
	watch(t, 8*time.Second)
	page.Screenshot("nat-studio")
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
