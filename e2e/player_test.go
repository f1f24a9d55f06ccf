//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestPlayer looks at the player's page and at what other pages make of it, in
// one browser.
func TestPlayer(t *testing.T) {
	chromium := browser.StartChromium(t)
	for name, see := range map[string]func(*testing.T, *browser.Chromium){
		"element": playerElement, "keys": playerKeys, "events": playerEvents,
	} {
		t.Run(name, func(t *testing.T) { see(t, chromium) })
	}
}

// playerElement: <sluice-player> plays in a page of another origin, and
// the page can ask it and tell it what its documentation says.
func playerElement(t *testing.T, chromium *browser.Chromium) {
	const stream = "live/element"
	s := server.Start(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<!doctype html><title>elsewhere</title>
<script type="module" src="http://`+s.HTTP+`/sluice-player.js"></script>
<sluice-player stream="`+stream+`" stats></sluice-player>
<script>
const player = document.querySelector("sluice-player"), states = [];
player.addEventListener("statechange", ({detail}) => states.push(detail.state));
</script>`)
	}))
	t.Cleanup(elsewhere.Close)
	page := chromium.Open(t, elsewhere.URL)
	is := func(expression, want string) {
		t.Helper()
		await.Success(t, 15*time.Second, func() error {
			if got := page.Ask(expression); got != want {
				return fmt.Errorf("%s is %q, want %q", expression, got, want)
			}
			return nil
		})
	}
	is(`player.state`, "offline")
	source.FFmpeg{Width: 480, FrameRate: frameRate}.Publish(t, s.Publish(stream))
	is(`player.state`, "live")
	is(`states.includes("offline") && states.at(-1)`, "live")
	is(`player.stats().then((s) => s.framesDecoded > 0 && s.width === 480)`, "true")
	is(`(player.clientWidth / player.clientHeight).toFixed(2)`, "1.33")
	is(`player.muted`, "true")
	page.Run(`player.muted = false; player.volume = 0.5`)
	is(`player.muted + " " + player.volume`, "false 0.5")
	is(`player.stats().then((s) => s.audioEnergy > 0)`, "true")
	page.Screenshot("player-element")
	page.Run(`player.stream = "live/other"`)
	is(`player.state`, "offline")
}

// playerKeys: the keys do what the page's help says.
func playerKeys(t *testing.T, chromium *browser.Chromium) {
	const stream = "live/keys"
	s := server.Start(t)
	source.FFmpeg{FrameRate: frameRate}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	page := chromium.Open(t, s.Watch(stream))
	page.WaitState("live", 10*time.Second)
	for _, c := range []struct{ key, expression, want string }{
		{"m", `video.muted`, "false"},
		{"s", `figures.hidden`, "false"},
		{"f", `document.fullscreenElement?.id`, "stage"},
		{"f", `document.fullscreenElement`, "null"},
		{"?", `help.open`, "true"},
		{"?", `help.open`, "false"},
	} {
		page.Press(c.key)
		await.Success(t, 5*time.Second, func() error {
			if got := page.Ask(c.expression); got != c.want {
				return fmt.Errorf("after %s: %s is %q, want %q", c.key, c.expression, got, c.want)
			}
			return nil
		})
	}
	await.Success(t, 10*time.Second, func() error {
		text := page.Ask(`figures.innerText.replaceAll("\n", " ")`)
		for _, want := range []string{"Quality good", "Delay", "Mbit/s"} {
			if !strings.Contains(text, want) {
				return fmt.Errorf("the figures say %s, without %s", text, want)
			}
		}
		return nil
	})
	page.Screenshot("player-figures")
}

// playerEvents: the page asks for the events of its session and is
// told by them how many watch, and that the publisher has gone.
func playerEvents(t *testing.T, chromium *browser.Chromium) {
	const stream = "live/events"
	s := server.Start(t)
	page := chromium.Open(t, s.Watch(stream))
	page.WaitState("offline", 10*time.Second) // in the waiting room
	publisher := source.FFmpeg{FrameRate: frameRate}.Publish(t, s.Publish(stream))
	page.WaitState("live", 15*time.Second)
	chromium.Open(t, s.Watch(stream)).WaitState("live", 10*time.Second)
	says := func(expression, want string) {
		t.Helper()
		await.Success(t, 10*time.Second, func() error {
			if got := page.Ask(expression); !strings.Contains(got, want) {
				return fmt.Errorf("the page says %q, want %q", got, want)
			}
			return nil
		})
	}
	says(`facts.innerText.replaceAll("\u00a0", " ")`, "2 viewers")
	// What it asks for by itself stays away: now only events can tell.
	page.Run(`window.fetch = () => Promise.reject(new Error("the test"))`)
	viewer.Join(t, s.WHEP(stream)).Playing(1)
	says(`facts.innerText.replaceAll("\u00a0", " ")`, "3 viewers")
	publisher.Kill()
	page.WaitState("offline", 10*time.Second)
	says(`headline.innerText`, "The stream has stopped")
}
