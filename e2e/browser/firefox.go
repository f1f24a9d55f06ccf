package browser

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/proc"
)

// preferences of the fresh profile: no first-run pages, no phoning home, and
// playback as after a click.
const preferences = `user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("media.autoplay.default", 0);
user_pref("media.peerconnection.ice.loopback", true);
`

// Firefox is one running browser with one tab.
type Firefox struct {
	tb      testing.TB
	remote  *bidi
	context string
}

// StartFirefox starts $FIREFOX, or the one of the PATH. It ends with the test.
func StartFirefox(tb testing.TB) *Firefox {
	tb.Helper()
	path, err := findFirefox()
	if err != nil {
		tb.Fatal(err)
	}
	profile := tb.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		tb.Fatal(err)
	}
	p := proc.Start(tb, path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0")
	listening := regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)
	var url string
	await.Success(tb, patience, func() error {
		found := listening.FindStringSubmatch(p.Output())
		if found == nil {
			return errors.New("firefox does not listen")
		}
		url = found[1]
		return nil
	})
	f := &Firefox{tb: tb}
	if err := f.connect(url); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.remote.conn.CloseNow() })
	return f
}

func findFirefox() (string, error) {
	for _, name := range []string{os.Getenv("FIREFOX"), "firefox-esr", "firefox"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no firefox: install firefox-esr, or set FIREFOX")
}

func (f *Firefox) connect(url string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if f.remote, err = dialBiDi(ctx, url); err != nil {
		return err
	}
	var tree struct{ Contexts []struct{ Context string } }
	if err := f.remote.call(ctx, "browsingContext.getTree", map[string]any{}, &tree); err != nil {
		return err
	}
	if len(tree.Contexts) == 0 {
		return errors.New("firefox has no tab")
	}
	f.context = tree.Contexts[0].Context
	return nil
}

// Open loads a URL and waits until it has loaded.
func (f *Firefox) Open(url string) {
	f.tb.Helper()
	f.call("browsingContext.navigate", map[string]any{"context": f.context, "url": url, "wait": "complete"}, nil)
}

// Evaluate runs an expression in the page, waits for its promise and returns
// the result as a string.
func (f *Firefox) Evaluate(expression string) string {
	f.tb.Helper()
	var answer struct {
		Type             string
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	f.call("script.evaluate", map[string]any{
		"expression":   fmt.Sprintf("(async () => String(await (%s)))()", expression),
		"target":       map[string]any{"context": f.context},
		"awaitPromise": true,
	}, &answer)
	if answer.Type != "success" {
		f.tb.Fatalf("evaluate %s: %s", expression, answer.ExceptionDetails.Text)
	}
	return answer.Result.Value
}

// Screenshot leaves a picture of the tab in artifacts/.
func (f *Firefox) Screenshot(name string) {
	f.tb.Helper()
	var shot struct{ Data string }
	f.call("browsingContext.captureScreenshot", map[string]any{"context": f.context}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		f.tb.Fatalf("screenshot: %v", err)
	}
	leave(f.tb, name+".png", png)
}

func (f *Firefox) call(method string, params, result any) {
	f.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f.remote.call(ctx, method, params, result); err != nil {
		f.tb.Fatal(err)
	}
}
