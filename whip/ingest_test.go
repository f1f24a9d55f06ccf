package whip

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/contribute"
	"github.com/sluice-media/sluice/contribute/contributetest"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

// studio is an Ingest on real WebRTC. The name live/taken is taken, live/secret
// needs the token "key", live/hasty has been tried too often.
type studio struct {
	site
	ingest   *Ingest
	requests chan contribute.Request
	rec      *mediatest.Recorder
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	registry := prometheus.NewRegistry()
	transport, err := rtc.Listen(rtc.Config{UDPAddr: "127.0.0.1:0", Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s := &studio{requests: make(chan contribute.Request, 1000), rec: mediatest.NewRecorder(t)}
	var mu sync.Mutex
	taken := map[string]bool{"live/taken": true}
	m := metrics.New(registry)
	server := contribute.New(contribute.Config{
		Transport: transport, Metrics: m, Logger: log,
		Admit: func(_ context.Context, r contribute.Request) (contribute.Admitted, error) {
			s.requests <- r
			switch {
			case r.Name == "secret" && r.Token != "key":
				return contribute.Admitted{}, &Denied{Detail: "wrong stream key or token"}
			case r.Name == "hasty":
				return contribute.Admitted{}, &Denied{Detail: "too many", RetryAfter: 90 * time.Second}
			}
			stream := r.App + "/" + r.Name
			open := func(context.Context, func(error)) (contribute.Writer, error) {
				mu.Lock()
				defer mu.Unlock()
				if taken[stream] {
					return nil, contribute.ErrTaken
				}
				return s.rec, nil
			}
			return contribute.Admitted{Stream: stream, Open: open, Forget: func() {}}, nil
		},
	})
	i := NewIngest(IngestConfig{Server: server, Metrics: m, Logger: log})
	web := httptest.NewServer(i)
	s.ingest = i
	s.site = site{stage: &stage{registry: registry}, url: web.URL, client: web.Client()}
	t.Cleanup(func() {
		web.Close()
		if err := errors.Join(server.Close(), i.Close(), transport.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// publisherOffer is what Chromium offers to send, in the form of its offer to
// receive.
func publisherOffer(t *testing.T) string {
	return strings.ReplaceAll(chromium(t), "a=recvonly", "a=sendonly")
}

// TestWHIP walks the part of the checklist that is WHIP's own.
func TestWHIP(t *testing.T) {
	offer := publisherOffer(t)
	replaced := func(old, with string) request { return post("/whip/live/a", strings.ReplaceAll(offer, old, with)) }
	video := offer[strings.Index(offer, "m=video"):]
	plain := func(method, path string) request { return request{method: method, path: path} }
	for _, r := range []rule{
		{"B.69 201", post("/whip/live/a", offer), 201, map[string]string{"Content-Type": typeSDP, "Accept-Patch": typeFragment}},
		{"B.69 wrong type", post("/whip/live/a", offer).with("Content-Type", "application/json"), 415, map[string]string{"Accept-Post": typeSDP, "Content-Type": problems}},
		{"B.69 malformed", post("/whip/live/a", "an offer, please"), 400, nil},
		{"B.69 empty", post("/whip/live/a", ""), 400, nil},
		{"B.69 GET", plain("GET", "/whip/live/a"), 200, map[string]string{"Content-Length": "0"}},
		{"B.69 HEAD", plain("HEAD", "/whip/live/a"), 200, nil},
		{"B.69 OPTIONS", plain("OPTIONS", "/whip/live/a"), 200, map[string]string{"Accept-Post": typeSDP}},
		{"B.69 PUT", plain("PUT", "/whip/live/a"), 405, map[string]string{"Allow": "GET, HEAD, OPTIONS, POST"}},
		{"B.69 DELETE", plain("DELETE", "{s}"), 200, nil},
		{"B.69 DELETE of nothing", plain("DELETE", "/whip/live/a/x"), 404, nil},
		{"B.69 GET a session", plain("GET", "{s}"), 204, nil},
		{"B.70 sendrecv", replaced("a=sendonly", "a=sendrecv"), 201, nil},
		{"B.70 recvonly", replaced("a=sendonly", "a=recvonly"), 422, nil},
		{"B.70 inactive", replaced("a=sendonly", "a=inactive"), 422, nil},
		{"B.71 two videos", post("/whip/live/a", offer+strings.ReplaceAll(video, "a=mid:", "a=mid:x")), 422, nil},
		{"B.71 two MediaStreams", post("/whip/live/a", strings.Replace(strings.ReplaceAll(offer, "a=sendonly", "a=sendonly\r\na=msid:one x"), "a=msid:one", "a=msid:two", 1)), 422, nil},
		{"B.72 no partial success: no Opus", replaced("opus/48000", "speex/48000"), 422, map[string]string{"Content-Type": problems}},
		{"B.72 no partial success: VP8 alone", post("/whip/live/a", strings.NewReplacer("H264/", "VP8/", "H265/", "VP8/", "AV1/", "VP8/", "VP9/", "VP8/").Replace(offer)), 422, nil},
		{"B.73 simulcast", replaced("a=sendonly", "a=sendonly\r\na=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l"), 201, nil},
		{"B.74 active", replaced("a=setup:actpass", "a=setup:active"), 201, nil},
		{"B.74 passive", replaced("a=setup:actpass", "a=setup:passive"), 201, nil},
		{"B.75 no candidates", replaced("a=candidate", "a=x"), 201, nil},
		{"B.78 the name is taken", post("/whip/live/taken", offer), 409, map[string]string{"Retry-After": "2"}},
		{"B.80 no token", post("/whip/live/secret", offer), 401, map[string]string{"WWW-Authenticate": "Bearer", "Access-Control-Allow-Origin": "*"}},
		{"B.80 wrong token", post("/whip/live/secret", offer).with("Authorization", "Bearer x"), 401, map[string]string{"WWW-Authenticate": `Bearer error="invalid_token"`}},
		{"B.80 token before anything", post("/whip/live/secret", "x").with("Authorization", "Bearer x"), 401, nil},
		{"B.80 token", post("/whip/live/secret", offer).with("Authorization", "bearer key"), 201, nil},
		{"B.80 token in the query", post("/whip/live/secret?token=key", offer), 201, nil},
		{"B.80 too many tries", post("/whip/live/hasty", offer), 429, map[string]string{"Retry-After": "90"}},
		{"B.80 trickle", patch("{s}", "a=ice-ufrag:"+ufragOf(offer)+"\r\na=ice-pwd:x\r\nm=audio 9 RTP/AVP 0\r\na="+hostUDP+"\r\n"), 204, nil},
		{"B.80 wrong tag", patch("{s}", "a=ice-ufrag:"+ufragOf(offer)+"\r\n").with("If-Match", `"x"`), 412, nil},
		{"B.80 restart", patch("{s}", restarting).with("If-Match", "*"), 200, map[string]string{"Content-Type": typeFragment}},
		{"A1.12 no such path", post("/whip/live", offer), 404, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			s := newStudio(t)
			if strings.Contains(r.do.path, "{s}") {
				made := s.do(t, post("/whip/live/b", offer))
				r.do.path = made.header.Get("Location")
			}
			got := s.do(t, r.do)
			if got.status != r.status {
				t.Fatalf("%s %s: %d, want %d\n%s", r.do.method, r.do.path, got.status, r.status, got.body)
			}
			for name, want := range r.header {
				if v := got.header.Get(name); v != want {
					t.Errorf("%s is %q, want %q", name, v, want)
				}
			}
			if got.status != http.StatusCreated {
				return
			}
			if !strings.HasPrefix(got.body, "v=") || len(got.body) > 8000 || !strings.Contains(got.body, "a=recvonly") ||
				strings.Contains(got.body, "a=send") || strings.Contains(got.body, "simulcast") || strings.Contains(got.header.Get("Location"), "?") {
				t.Errorf("B.70, B.73, B.76: Location %s, answer of %d bytes:\n%s", got.header.Get("Location"), len(got.body), got.body)
			}
		})
	}
}

// The offers of all clients publish as well, with their media turned round.
func TestOffersPublish(t *testing.T) {
	for name, offer := range readOffers(t) {
		t.Run(name, func(t *testing.T) {
			if got := newStudio(t).do(t, post("/whip/live/a", strings.ReplaceAll(offer, "recvonly", "sendonly"))); got.status != http.StatusCreated {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

// A publisher is told of the same servers as a viewer, by OPTIONS only if it may
// publish.
func TestPublishersICEServers(t *testing.T) {
	s := newStudio(t)
	s.ingest.iceServers = func(v Visit) []ICEServer {
		return []ICEServer{{URL: "turn:192.0.2.1:3478", Username: "1:" + v.Stream, Credential: "c"}}
	}
	s.ingest.known = func(_ context.Context, v Visit) bool { return v.Stream == "live/a" && v.Token == "key" }
	want := []string{`<turn:192.0.2.1:3478>; rel="ice-server"; username="1:live/a"; credential="c"; credential-type="password"`}
	plain := request{method: "OPTIONS", path: "/whip/live/a"}
	for _, c := range []struct {
		name string
		do   request
		want []string
	}{
		{"RFC 9725 §4.6 201", post("/whip/live/a", publisherOffer(t)), want},
		{"OPTIONS with the key", plain.with("Authorization", "Bearer key"), want},
		{"OPTIONS without", plain, nil},
		{"a preflight", plain.with("Authorization", "Bearer key").with("Access-Control-Request-Method", "POST"), nil},
		{"a refusal", post("/whip/live/taken", publisherOffer(t)), nil},
	} {
		if got := s.do(t, c.do).header.Values("Link"); !slices.Equal(got, c.want) {
			t.Errorf("%s: Link %q", c.name, got)
		}
	}
}

// A real client publishes, and DELETE ends its publication.
func TestPublishAndLeave(t *testing.T) {
	s := newStudio(t)
	sender := contributetest.New(t)
	made := s.do(t, post("/whip/live/a", sender.Offer).with("Authorization", "Bearer key"))
	if made.status != http.StatusCreated {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if r := <-s.requests; r.App != "live" || r.Name != "a" || r.Token != "key" || !r.RemoteAddr.IsValid() {
		t.Errorf("request %+v", r)
	}
	sender.Connect(made.body)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { sender.Send(ctx) })
	if err := s.rec.Wait(ctx, 20, 20); err != nil {
		t.Error(err)
	}
	if n := s.sample(t, "sluice_whip_sessions"); n != 1 {
		t.Errorf("%v sessions", n)
	}
	if got := s.do(t, request{method: "DELETE", path: made.header.Get("Location")}); got.status != http.StatusOK || !s.rec.Closed() {
		t.Errorf("DELETE: %d, closed %t", got.status, s.rec.Closed())
	}
	cancel()
	wg.Wait()
	_ = s.ingest.Close() // waits for the ends of sessions
	if n := s.sample(t, "sluice_whip_sessions_ended_total", "deleted"); n != 1 {
		t.Errorf("%v sessions ended by DELETE", n)
	}
}
