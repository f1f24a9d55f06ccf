//go:build e2e && nat

package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
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
	reach := func(t *testing.T, host string, networks []network) {
		for _, n := range networks {
			t.Run(n.name, func(t *testing.T) {
				l.Allow(t, append(n.allow, "tcp dport 8080")...)
				watchFrom(t, l, "TestChromiumBehindNAT", "NAT_PAGE=http://"+host+":8080/", "NAT_WAY="+n.way, "CHROMIUM="+os.Getenv("CHROMIUM"))
			})
		}
	}
	t.Run("IPv4", func(t *testing.T) { reach(t, lab.Public, networks) })
	l.GiveIPv6(t)
	l.TakeIPv4(t)
	// Chromium 156 does not even try ICE-TCP over IPv6; pion's client does, see
	// TestReachesViewersOverIPv6.
	t.Run("IPv6", func(t *testing.T) { reach(t, "["+lab.PublicIPv6+"]", slices.Delete(slices.Clone(networks), 1, 2)) })
}

// TestChromiumPublishesThroughHTTPS goes live from Chromium's made-up camera through
// a firewall that lets nothing but HTTPS out.
func TestChromiumPublishesThroughHTTPS(t *testing.T) {
	l := lab.New(t)
	certificate := natServer(t, l, "--https-addr=:443")
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
	watched(t, l.OnServer(t, viewerOf("TestBehindNAT", "NAT_WHEP=https://127.0.0.1/whep/live/cam", "NAT_WAY=", "NAT_FRAMES=20",
		"SSL_CERT_FILE="+certificate)...))
	watched(t, publisher)
}

// TestChromiumAdapts: a browser whose line becomes slow learns of it by Sluice's
// transport-wide feedback, sends what the line takes, and more when it takes more.
func TestChromiumAdapts(t *testing.T) {
	l := lab.New(t)
	certificate := natServer(t, l, "--https-addr=:443")
	l.Allow(t, "meta l4proto { tcp, udp }")
	publisher := l.OnViewer(t, viewerOf("TestChromiumPublisherBehindNAT", "NAT_STUDIO=https://"+lab.Public+"/publish?name=live/cam",
		"NAT_WAY=udp host", "NAT_TIME=75s", "CHROMIUM="+os.Getenv("CHROMIUM"))...)
	until := func(what string, ok func(kbits int) bool) {
		t.Helper()
		await.Success(t, 30*time.Second, func() error {
			all := regexp.MustCompile(`sends (\d+) kbit/s`).FindAllStringSubmatch(publisher.Output(), -1)
			if len(all) == 0 {
				return errors.New("nothing is sent")
			}
			kbits, _ := strconv.Atoi(all[len(all)-1][1])
			if !ok(kbits) {
				return fmt.Errorf("%s: %d kbit/s are sent", what, kbits)
			}
			t.Logf("%s: %d kbit/s", what, kbits)
			return nil
		})
	}
	until("on a good line", func(kbits int) bool { return kbits > 1000 })
	l.SlowUp(t, "500kbit")
	until("on one of 500 kbit/s", func(kbits int) bool { return kbits > 50 && kbits < 500 })
	watched(t, l.OnServer(t, viewerOf("TestBehindNAT", "NAT_WHEP=https://127.0.0.1/whep/live/cam", "NAT_WAY=", "NAT_TIME=5s", "NAT_FRAMES=50",
		"SSL_CERT_FILE="+certificate)...))
	l.SlowUp(t, "")
	until("on a good line again", func(kbits int) bool { return kbits > 600 }) // libwebrtc takes a minute for all of it
	watched(t, publisher)
}

// TestChromiumPublisherBehindNAT is the publisher of
// TestChromiumPublishesThroughHTTPS and TestChromiumAdapts.
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
	during, err := time.ParseDuration(cmp.Or(os.Getenv("NAT_TIME"), "8s"))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(during); time.Now().Before(end); {
		t.Logf("sends %s kbit/s", page.Ask(targetBitrate))
		watch(t, time.Second)
	}
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

// targetBitrate is what a page's publication would send of video, in kbit/s.
const targetBitrate = `(async () => {
	const all = [...(await window.sluice.pc.getStats()).values()];
	return String(Math.round(all.find((s) => s.type === "outbound-rtp" && s.kind === "video").targetBitrate / 1000));
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
