package browser

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sluice-media/sluice/e2e/await"
)

// Page is one Chromium tab with a player in it.
type Page struct {
	tb  testing.TB
	ctx context.Context
}

// State is what the player says of itself, as a machine reads it.
func (p *Page) State() string {
	p.tb.Helper()
	return evaluate[string](p, `document.documentElement.dataset.state || ""`)
}

// Text is what a person reads on the page.
func (p *Page) Text() string {
	p.tb.Helper()
	return evaluate[string](p, `document.body.innerText`)
}

// WaitState waits until the player is in a state.
func (p *Page) WaitState(want string, within time.Duration) {
	p.tb.Helper()
	await.Success(p.tb, within, func() error {
		if got := p.State(); got != want {
			return fmt.Errorf("player is %q, want %q", got, want)
		}
		return nil
	})
}

// Unmute clicks the button that browsers make necessary: video starts without
// sound. Chromium measures no audio energy before.
func (p *Page) Unmute() {
	p.tb.Helper()
	p.Click("loud")
}

// Click clicks the element with an id.
func (p *Page) Click(id string) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.ID(id))); err != nil {
		p.tb.Fatalf("click on %s: %v; the page says %s", id, err, p.Text())
	}
}

// Ask runs an expression in the page, waits for its promise and returns the
// result as a string.
func (p *Page) Ask(expression string) string {
	p.tb.Helper()
	return evaluate[string](p, fmt.Sprintf("(async () => String(await (%s)))()", expression))
}

// Run runs a script in the page, whatever the page's policy says of scripts.
func (p *Page) Run(script string) {
	p.tb.Helper()
	evaluate[bool](p, script+"\n;true")
}

// Press types a key.
func (p *Page) Press(key string) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(key)); err != nil {
		p.tb.Fatalf("press %s: %v", key, err)
	}
}

// Resize makes the tab as large as a screen, in CSS pixels; phones have a
// touch screen.
func (p *Page) Resize(width, height int64, phone bool) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	options := []chromedp.EmulateViewportOption{}
	if phone {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height, options...)); err != nil {
		p.tb.Fatalf("resize to %d×%d: %v", width, height, err)
	}
}

// Stats is what window.sluice.stats() of the page returns.
func (p *Page) Stats() map[string]any {
	p.tb.Helper()
	return evaluate[map[string]any](p, `window.sluice.stats()`)
}

// Screenshot leaves a picture of the tab in artifacts/.
func (p *Page) Screenshot(name string) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.tb.Fatalf("screenshot: %v", err)
	}
	leave(p.tb, name+".png", png)
}

// evaluate runs an expression in the page and waits for its promise.
func evaluate[T any](p *Page, expression string) T {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.tb.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}
