// Package browser drives headless browsers with fresh profiles: Chromium over
// the DevTools protocol, Firefox over WebDriver BiDi.
package browser

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience bounds one exchange with a browser. A first start with a cold disk
// cache is the slowest of them.
const patience = 30 * time.Second

// spy runs before a page's own scripts and keeps every RTCPeerConnection that
// the page makes, so that the tests read the browser's own getStats and not
// what the page makes of it.
const spy = `
window.peerConnections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
	constructor(...args) { super(...args); window.peerConnections.push(this); }
};`

// FakeCamera makes Chromium have a camera and a microphone, moving and beeping,
// and lend them without asking.
func FakeCamera() []string {
	return []string{"use-fake-device-for-media-stream", "use-fake-ui-for-media-stream"}
}

// Chromium is one running browser.
type Chromium struct{ ctx context.Context }

// StartChromium starts $CHROMIUM, with more flags. It ends with the test.
func StartChromium(tb testing.TB, flags ...string) *Chromium {
	tb.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "/usr/bin/chromium"
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(tb.TempDir()),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("ignore-certificate-errors", true), // of servers that sign their own
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
	)
	for _, f := range flags {
		options = append(options, chromedp.Flag(f, true))
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	tb.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		cancel()
		end()
	})
	if err := chromedp.Do(ctx); err != nil { // starts the browser
		tb.Fatalf("start %s: %v", path, err)
	}
	return &Chromium{ctx: ctx}
}

// Open loads a URL in a new tab, which is closed when the test of tb ends.
func (c *Chromium) Open(tb testing.TB, url string) *Page {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(c.ctx)
	tb.Cleanup(cancel)
	watch := func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: spy})
		return chromedp.Void{}, err
	}
	if err := chromedp.Do(ctx, watch, chromedp.Navigate(url)); err != nil {
		tb.Fatalf("open %s: %v", url, err)
	}
	return &Page{tb: tb, ctx: ctx}
}
