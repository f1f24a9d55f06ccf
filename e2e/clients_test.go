//go:build e2e && clients

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// modules is a page that plays with a client of the whip-whep family; %s are
// its folder and the WHEP URL.
const modules = `
import {WHEPClient} from "/%s/whep.js";
const pc = new RTCPeerConnection({bundlePolicy: "max-bundle"});
for (const kind of ["audio", "video"]) pc.addTransceiver(kind, {direction: "recvonly"});
pc.ontrack = ({streams}) => { video.srcObject = streams[0]; };
const client = new WHEPClient();
await client.view(pc, "%s");
window.restart = () => client.restart();
window.leave = () => client.stop();`

// eyevinn is the same for @eyevinn/webrtc-player, a CommonJS module whose
// advertisements and other protocols stay away.
const eyevinn = `
const load = async (path, require) => {
	const module = {exports: {}};
	new Function("module", "exports", "require", await (await fetch(path)).text())(module, module.exports, require);
	return module.exports;
};
const events = await load("/events/events.js");
const {WebRTCPlayer} = await load("/%s/dist/main.js", (name) => name === "events" ? events : {});
const player = new WebRTCPlayer({video, type: "whep", iceServers: []});
await player.load(new URL("%s"));
window.leave = () => player.unload();`

// reader is the same for mediamtx-webrtc-react, MediaMTX's reader.js as a module.
const reader = `
const {MediaMTXWebRTCReader} = await import("/%s/dist/index.js");
const reader = new MediaMTXWebRTCReader({
	url: "%s",
	onTrack: ({streams}) => {
		video.srcObject = streams[0];
		peerConnections.splice(0, peerConnections.length - 1); // those that it tried codecs with
	},
	onError: (error) => failures.push(error),
});
window.leave = () => reader.close();`

// ufrag is of the connection's present ICE session.
const ufrag = `peerConnections.at(-1).currentLocalDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]`

// TestClients: WHEP clients by others, from another origin, in a real browser:
// each plays, survives an ICE restart if it can make one, and leaves no session
// behind. $WHEP_CLIENTS is the folder that they are in.
func TestClients(t *testing.T) {
	const stream = "live/show"
	s := server.Start(t)
	source.FFmpeg{FrameRate: frameRate}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	chromium := browser.StartChromium(t)
	for _, c := range []struct {
		folder, script string
		restarts       bool
	}{
		{"whip-whep", modules, true},
		{"@binbat/whip-whep", modules, true},
		{"@eyevinn/webrtc-player", eyevinn, false},
		{"mediamtx-webrtc-react", reader, false},
	} {
		t.Run(c.folder, func(t *testing.T) {
			script := fmt.Sprintf(c.script, c.folder, s.WHEP(stream))
			elsewhere := clientPage(t, script)
			page := chromium.Open(t, elsewhere)
			playing := func() {
				t.Helper()
				await.Success(t, 15*time.Second, func() error {
					if p := page.Playback(); p.State != "connected" || p.FramesDecoded == 0 {
						return fmt.Errorf("%q, %d frames", p.State, p.FramesDecoded)
					}
					return nil
				})
			}
			playing()
			watch(t, 2*time.Second) // of catching up
			attempts(t, func() error { return playsFor(t, page, 20*time.Second) })
			if c.restarts {
				restartICE(t, page)
			}
			page.Screenshot("client-" + strings.ReplaceAll(c.folder, "/", "-"))
			page.Ask(`leave()`)
			noSessions(t, s)
			if got := page.Ask(`failures.join()`); got != "" {
				t.Error(got)
			}
		})
	}
	t.Run("our page", func(t *testing.T) {
		page := chromium.Open(t, s.Watch(stream))
		page.WaitState("live", 15*time.Second)
		page.Unmute()
		watch(t, 2*time.Second)
		checkPlayback(t, page, 20*time.Second)
		page.Run(`location = "about:blank"`)
		noSessions(t, s)
	})
}

// restartICE lets the page's client restart ICE three times, and looks that
// what plays goes on in a new ICE session of the same connection.
func restartICE(t *testing.T, page *browser.Page) {
	t.Helper()
	attempts(t, func() error {
		before := page.Playback()
		for range 3 {
			old := page.Ask(ufrag)
			page.Ask(`restart()`)
			await.Success(t, 10*time.Second, func() error {
				if now := page.Ask(ufrag); now == old {
					return fmt.Errorf("the ICE session is still %q", old)
				}
				return nil
			})
			watch(t, 3*time.Second)
		}
		after := page.Playback()
		t.Logf("over three restarts %.1f fps, %d freezes, %d and %d packets lost, %s",
			after.FrameRate(before), after.Freezes-before.Freezes, after.VideoLost-before.VideoLost, after.AudioLost-before.AudioLost, after.State)
		if after.State != "connected" || after.FrameRate(before) < 0.9*frameRate || after.Connections != 1 {
			return fmt.Errorf("after three restarts: %s, %.1f fps, %d connections", after.State, after.FrameRate(before), after.Connections)
		}
		return nil
	})
}

// clientPage serves a page with a module script and the clients' files, of an
// origin that is not Sluice's.
func clientPage(t *testing.T, script string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(os.Getenv("WHEP_CLIENTS"))))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<!doctype html><title>client</title><video id="video" autoplay playsinline width="640"></video>
<script>window.failures = []; addEventListener("unhandledrejection", ({reason}) => failures.push(String(reason)))</script>
<script type="importmap">`+withoutReact+`</script>
<script type="module">`+script+`</script>`)
	})
	elsewhere := httptest.NewServer(mux)
	t.Cleanup(elsewhere.Close)
	return elsewhere.URL
}

// withoutReact stands in for what the components beside the reader import.
const withoutReact = `{"imports": {
	"react": "data:text/javascript,const none=()=>{};export{none as default,none as useEffect,none as useRef,none as useState,none as useCallback}",
	"react/jsx-runtime": "data:text/javascript,const none=()=>{};export{none as jsx,none as jsxs}"
}}`

// TestClientsWithoutBrowser: aiortc, in a Python that $WHEP_PLAYERS names, plays
// for 20 s and leaves no session behind.
func TestClientsWithoutBrowser(t *testing.T) {
	players := os.Getenv("WHEP_PLAYERS")
	if players == "" {
		t.Skip("WHEP_PLAYERS names no Python with the players: make e2e-clients installs one, as root on Debian")
	}
	const stream, seconds = "live/show", 20
	s := server.Start(t)
	source.FFmpeg{FrameRate: frameRate}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	text, err := os.ReadFile("testdata/whep_aiortc.py")
	if err != nil {
		t.Fatal(err)
	}
	player := proc.Start(t, players, "-c", string(text), s.WHEP(stream), fmt.Sprint(seconds))
	if err := player.Wait(60 * time.Second); err != nil {
		t.Error(err)
	}
	var decoded struct{ Video, Audio int }
	if err := json.Unmarshal([]byte(player.Output()), &decoded); err != nil {
		t.Fatalf("%v in %s", err, player.Output())
	}
	t.Logf("%d pictures, %d pieces of sound in %d s", decoded.Video, decoded.Audio, seconds)
	if decoded.Video < seconds*frameRate*9/10 || decoded.Audio < seconds*50*9/10 { // of 20 ms
		t.Error("too few")
	}
	noSessions(t, s)
}

// noSessions waits until the last session has ended.
func noSessions(t *testing.T, s *server.Server) {
	t.Helper()
	await.Success(t, 5*time.Second, func() error {
		if n := s.Scrape().Sum("sluice_whep_sessions"); n != 0 {
			return fmt.Errorf("%v sessions are open", n)
		}
		return nil
	})
}
