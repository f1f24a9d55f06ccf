//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// newKey asks sluice key for a key and its hash.
func newKey(t *testing.T) (key, hash string) {
	t.Helper()
	out, err := exec.Command(os.Getenv("SLUICE_BIN"), "key", "live/show").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?s)here:  (\S+).*(sha256:[0-9a-f]{64})`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("sluice key says %s", out)
	}
	return string(m[1]), string(m[2])
}

// TestAccess: a key publishes under its name, a token watches, everything else
// is refused, and the log holds no secret at any level.
func TestAccess(t *testing.T) {
	t.Parallel() // with the tests that only wait
	const stream = "live/show"
	key, keyHash := newKey(t)
	token, tokenHash := newKey(t)
	var mu sync.Mutex
	var called []string
	backEnd := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		called = append(called, r.FormValue("call")+" "+r.FormValue("app")+"/"+r.FormValue("name"))
	}))
	defer backEnd.Close()
	file := filepath.Join(t.TempDir(), "access.yml")
	rules := "keys: [{stream: live/show, hash: \"" + keyHash + "\"}]\n" +
		"watch: [{stream: live/*, tokens: [\"" + tokenHash + "\"]}]\n" +
		"hooks: {on_publish: " + backEnd.URL + ", on_publish_done: " + backEnd.URL + "}\n"
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, "--access", file, "--log-level", "debug")

	const wrong = "WRONGKEYs3cret"
	refused := source.FFmpeg{}.Publish(t, s.Publish("live/"+wrong))
	if err := refused.Wait(10 * time.Second); err == nil || !strings.Contains(refused.Output(), "wrong stream key") {
		t.Errorf("ffmpeg with a wrong key: %v, %q", err, refused.Output())
	}
	if _, err := rtmp.Publish(s.RTMP, "live", "show"); err == nil || !strings.Contains(err.Error(), "NetStream.Publish.Rejected") {
		t.Errorf("the public name as the key: %v", err)
	}
	publisher := source.FFmpeg{}.Publish(t, s.Publish("live/"+key))
	s.Token = token
	s.WaitLive(stream)
	s.Token = wrong
	if got, err := s.Stream(stream); err != nil || got.Live {
		t.Errorf("with a wrong token the list shows %+v, %v", got, err)
	}
	s.Token = token

	for _, q := range []string{"", "?token=" + wrong} {
		if _, err := viewer.TryJoin(t, s.WHEP(stream)+q); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("joined with %q: %v", q, err)
		}
	}
	viewer.Join(t, s.WHEP(stream)+"?token="+token).Playing(10)

	publisher.Kill()
	s.WaitOffline(stream)
	await.Success(t, 5*time.Second, func() error {
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(called, ", "); got != "publish live/show, publish_done live/show" {
			return errorString("hooks were called: " + got)
		}
		return nil
	})
	if _, err := s.Terminate(); err != nil {
		t.Error(err)
	}
	for name, secret := range map[string]string{"key": key, "token": token, "wrong key": wrong} {
		if strings.Contains(s.Output(), secret) {
			t.Errorf("the log holds the %s", name)
		}
	}
}

// TestTokenPage: the page asks for what a closed stream takes, and plays with it.
func TestTokenPage(t *testing.T) {
	const stream = "live/closed"
	token, hash := newKey(t)
	file := filepath.Join(t.TempDir(), "access.yml")
	if err := os.WriteFile(file, []byte("watch: [{stream: live/*, tokens: [\""+hash+"\"]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, "--access", file)
	s.Token = token
	source.FFmpeg{Width: 320, Height: 180}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	chromium := browser.StartChromium(t)
	page := chromium.Open(t, s.Watch(stream))
	page.WaitState("offline", 10*time.Second)
	await.Success(t, 5*time.Second, func() error {
		if text := page.Text(); !strings.Contains(text, "not open to everybody") || page.Ask(`document.getElementById("ask").hidden`) != "false" {
			return errorString("the page says " + text)
		}
		return nil
	})
	page.Screenshot("token-asked")
	page.Run(`document.getElementById("token").focus()`)
	page.Press("m") // a letter, no command
	page.Run(`document.getElementById("token").value = "` + token + `"; document.getElementById("ask").requestSubmit()`)
	page.WaitState("live", 10*time.Second)
	page.Screenshot("token-given")
	if got := page.Ask(`location.hash`); got != "#token="+token {
		t.Errorf("the address ends in %q", got)
	}
	await.Success(t, 15*time.Second, func() error {
		if got := page.Ask(`document.getElementById("facts").innerText`); !strings.Contains(got, "H.264") {
			return errorString("the page knows of the stream: " + got)
		}
		return nil
	})
	again := chromium.Open(t, s.Watch(stream)+"?token="+token)
	again.WaitState("live", 10*time.Second)
	if strings.Contains(s.Output(), token) {
		t.Error("the log holds the token")
	}
}

type errorString string

// Error implements error.
func (e errorString) Error() string { return string(e) }
