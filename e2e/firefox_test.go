//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/lab"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestFirefox plays where Firefox has H.264. A fresh profile has none until
// the browser has fetched the OpenH264 plugin: then the viewer must be told.
func TestFirefox(t *testing.T) {
	const stream = "live/firefox"
	s := server.Start(t)
	source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	firefox := browser.StartFirefox(t)
	firefox.Open(s.Watch(stream))
	h264 := firefox.Evaluate(`RTCRtpReceiver.getCapabilities("video").codecs.some(c => c.mimeType === "video/H264") &&
		(async () => { const pc = new RTCPeerConnection(); pc.addTransceiver("video");
			return (await pc.createOffer()).sdp.includes("H264/90000"); })()`)
	t.Logf("Firefox offers H.264: %s", h264)
	want := map[string]string{"true": "live", "false": "unsupported"}[h264]
	await.Success(t, 15*time.Second, func() error {
		if got := firefox.Evaluate(`document.documentElement.dataset.state`); got != want {
			return fmt.Errorf("player is %q, want %q", got, want)
		}
		return nil
	})
	firefox.Screenshot("firefox")
	if h264 == "true" {
		firefoxPlays(t, firefox)
		return
	}
	if text := firefox.Evaluate(`document.body.innerText`); !strings.Contains(text, "H.264") {
		t.Errorf("the page does not say that H.264 is missing:\n%s", text)
	}
	if n := s.Scrape().Sum("sluice_whep_requests_total", server.Label("method", "POST"), server.Label("status", "422")); n == 0 {
		t.Error("no POST was answered with 422")
	}
}

// TestFirefoxReached: behind a NAT a fresh Firefox plays what it has. Its own
// network is needed for that because Firefox has no candidates on loopback.
func TestFirefoxReached(t *testing.T) {
	l := lab.New(t)
	natServer(t, l)
	l.Allow(t, "meta l4proto udp", "tcp dport 8080")
	for _, name := range []string{"vp9", "av1"} {
		t.Run(name, func(t *testing.T) {
			l.OnServer(t, viewerOf("TestRecordedPublisher", "NAT_CLIP="+name)...)
			watchFrom(t, l, "TestFirefoxBehindNAT", "NAT_PAGE=http://"+lab.Public+":8080/watch/live/"+name, "FIREFOX="+os.Getenv("FIREFOX"))
		})
	}
}

// TestRecordedPublisher is a publisher of TestFirefoxReached.
func TestRecordedPublisher(t *testing.T) {
	name := os.Getenv("NAT_CLIP")
	if name == "" {
		t.Skip("runs in the namespace of a server")
	}
	playRecorded(t, "127.0.0.1:1935", name)
	watch(t, time.Minute) // it ends with TestFirefoxReached
}

// TestFirefoxBehindNAT is the viewer of TestFirefoxReached.
func TestFirefoxBehindNAT(t *testing.T) {
	page := os.Getenv("NAT_PAGE")
	if page == "" {
		t.Skip("runs in the namespace of a viewer")
	}
	firefox := browser.StartFirefox(t)
	firefox.Open(page)
	await.Success(t, 40*time.Second, func() error {
		got := firefox.Evaluate(`(async () => { const s = await window.sluice.stats(); return s.framesDecoded > 100 && s.audioEnergy > 0; })()`)
		if got != "true" {
			return fmt.Errorf("100 pictures and sound: %s: %s", got, firefox.Evaluate(`document.body.innerText`))
		}
		return nil
	})
	t.Log("watched 100 pictures, with sound")
	firefox.Screenshot("firefox-" + path.Base(page))
}

func firefoxPlays(t *testing.T, firefox *browser.Firefox) {
	t.Helper()
	decoded := func() int {
		n, err := strconv.Atoi(firefox.Evaluate(`(await window.sluice.stats()).framesDecoded`))
		if err != nil {
			t.Fatalf("framesDecoded: %v", err)
		}
		return n
	}
	start, begun := decoded(), time.Now()
	watch(t, 20*time.Second)
	if fps := float64(decoded()-start) / time.Since(begun).Seconds(); fps < 0.95*30 {
		t.Errorf("%.2f frames a second decoded of 30", fps)
	}
	if energy := firefox.Evaluate(`(await window.sluice.stats()).audioEnergy > 0`); energy != "true" {
		t.Error("no audio energy")
	}
}
