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

// TestHTTPS: a browser that comes over HTTP is led to HTTPS and plays there,
// over HTTP/2.
func TestHTTPS(t *testing.T) {
	const stream = "live/show"
	cert, key := selfSigned(t)
	secure := server.FreeTCP(t)
	s := server.Start(t, "--https-addr", secure, "--tls-cert", cert, "--tls-key", key)
	source.FFmpeg{FrameRate: frameRate}.Publish(t, s.Publish(stream))
	page := browser.StartChromium(t).Open(t, s.Watch(stream))
	page.WaitState("live", 20*time.Second)
	if at := page.Ask(`location.origin`); at != "https://"+secure {
		t.Errorf("the page is at %s", at)
	}
	if protocols := page.Ask(`[...new Set(performance.getEntries().map((e) => e.nextHopProtocol).filter(Boolean))].join()`); protocols != "h2" {
		t.Errorf("the page came over %s", protocols)
	}
	page.Run(`dispatchEvent(new PageTransitionEvent("pagehide"))`)
	await.Success(t, 5*time.Second, func() error {
		if n := s.Scrape().Sum("sluice_whep_sessions"); n != 0 {
			return fmt.Errorf("%v sessions are left by a page that was closed", n)
		}
		return nil
	})
}
