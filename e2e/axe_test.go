//go:build e2e && axe

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// violations runs axe-core and writes what it found, one rule a line.
const violations = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((found) =>
	found.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html + " " + n.any.concat(n.all).map((c) => c.message).join("; ")).join(" | ")).join("\n"))`

// TestAxe: the pages break no rule of axe-core ($AXE is its file), in what
// states and sizes they have. The screenshots are for eyes.
func TestAxe(t *testing.T) {
	axe, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		t.Fatalf("$AXE: %v", err)
	}
	const stream = "live/show"
	_, hash := newKey(t)
	rules := filepath.Join(t.TempDir(), "access.yml")
	if err := os.WriteFile(rules, []byte("watch: [{stream: closed/*, tokens: [\""+hash+"\"]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, "--access", rules)
	source.FFmpeg{FrameRate: frameRate}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<!doctype html><html lang="en"><title>Elsewhere</title><main><h1>Elsewhere</h1>
<sluice-player stream="`+stream+`"></sluice-player></main><script type="module" src="http://`+s.HTTP+`/sluice-player.js"></script></html>`)
	}))
	t.Cleanup(elsewhere.Close)
	chromium := browser.StartChromium(t, browser.FakeCamera()...)
	for _, c := range []struct{ name, path, state, key string }{
		{"list", "/", "", ""},
		{"missing", "/no/such/page", "", ""},
		{"live", "/watch/live/show", "live", ""},
		{"figures", "/watch/live/show?stats=1", "live", ""},
		{"help", "/watch/live/show", "live", "?"},
		{"bare", "/watch/live/show?controls=0", "live", ""},
		{"offline", "/watch/live/nobody", "offline", ""},
		{"token", "/watch/closed/show", "offline", ""},
		{"publish", "/publish", "", ""},
		{"doctor", "/doctor", "well", ""},
		{"element", "", "", ""},
	} {
		for _, screen := range []struct {
			name          string
			width, height int64
		}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
			name := fmt.Sprintf("axe-%s-%s", c.name, screen.name)
			t.Run(name, func(t *testing.T) {
				url := "http://" + s.HTTP + c.path
				if c.name == "element" {
					url = elsewhere.URL
				}
				page := chromium.Open(t, url)
				page.Resize(screen.width, screen.height, screen.name == "phone")
				if c.state != "" {
					page.WaitState(c.state, 15*time.Second)
				}
				if c.key != "" {
					page.Press(c.key)
				}
				watch(t, 3*time.Second) // of figures
				page.Screenshot(name)
				page.Run(string(axe))
				if found := page.Ask(violations); found != "" {
					t.Error(found)
				}
			})
		}
	}
}
