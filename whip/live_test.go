package whip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

// newLive returns a site on a real egress server, with live/cam on air until
// offAir is called.
func newLive(t *testing.T, cfg egress.Config) (s *site, offAir func()) {
	t.Helper()
	registry := prometheus.NewRegistry()
	cfg.Metrics, cfg.Logger = metrics.New(registry), slog.New(slog.DiscardHandler)
	transport, err := rtc.Listen(rtc.Config{UDPAddr: "127.0.0.1:0", Logger: cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Transport = transport
	server := egress.New(cfg)
	h := New(Config{Server: server, Metrics: cfg.Metrics, Logger: cfg.Logger})
	web := httptest.NewServer(h)
	pub, err := server.Publish("live/cam")
	if err != nil {
		t.Fatal(err)
	}
	offAir = broadcast(t, pub)
	t.Cleanup(func() {
		offAir()
		web.Close()
		_ = h.Close()
		if err := errors.Join(server.Close(), transport.Close()); err != nil {
			t.Error(err)
		}
	})
	return &site{&stage{registry: registry}, h, server, web.URL, web.Client()}, offAir
}

// broadcast publishes a synthetic stream in real time until stop is called.
func broadcast(t *testing.T, pub *egress.Publication) (stop func()) {
	return broadcastGOP(t, pub, 10)
}

func broadcastGOP(t *testing.T, pub *egress.Publication, gop int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			au := mediatest.VideoStream{FPS: 50, GOP: gop, Sequence: i}.AccessUnits(1)[0]
			au.Arrival = time.Now()
			audio := mediatest.AudioStream{Sequence: i}.Opus(1)[0]
			audio.Arrival = au.Arrival
			if err := errors.Join(pub.WriteVideo(au), pub.WriteAudio(audio)); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	var once sync.Once
	return func() {
		once.Do(func() {
			cancel()
			wg.Wait()
			if err := pub.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// player is a WHEP client.
type player struct {
	*webrtc.PeerConnection
	tracks chan string                     // kind of each track whose first packet came
	states chan webrtc.PeerConnectionState // as they change
}

func newPlayer(t *testing.T) *player { return newPlayerOf(t, webrtc.SettingEngine{}) }

func newPlayerOf(t *testing.T, s webrtc.SettingEngine) *player {
	t.Helper()
	s.SetIncludeLoopbackCandidate(true)
	if os.Getenv("WHEP_PEER") == "" { // which may be elsewhere
		s.SetIPFilter(net.IP.IsLoopback)
	}
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	p := &player{pc, make(chan string, 8), make(chan webrtc.PeerConnectionState, 64)}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { p.states <- s })
	pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for first := true; ; first = false {
			if _, _, err := tr.ReadRTP(); err != nil {
				return
			}
			if first {
				p.tracks <- tr.Kind().String()
			}
		}
	})
	return p
}

// offer returns an offer without candidates, as OBS and whip-whep send it.
func (p *player) offer(t *testing.T) string {
	t.Helper()
	o, err := p.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	return o.SDP
}

// join plays live/cam and returns the session's path.
func (p *player) join(t *testing.T, s *site) string {
	t.Helper()
	return p.joinAt(t, s, endpoint)
}

func (p *player) joinAt(t *testing.T, s *site, path string) string {
	t.Helper()
	r := s.do(t, post(path, p.offer(t)))
	if r.status != 201 {
		t.Fatalf("POST: %d %s", r.status, r.body)
	}
	if err := p.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: r.body}); err != nil {
		t.Fatal(err)
	}
	return r.header.Get("Location")
}

func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("no %s within 10 s", what)
		panic("not reached")
	}
}

// awaitState waits for a state of the connection.
func (p *player) awaitState(t *testing.T, want webrtc.PeerConnectionState) {
	t.Helper()
	for receive(t, want.String(), p.states) != want {
	}
}

// eventually waits for what has no event to wait for.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// awaitViewers waits until the API says that live/cam has n viewers.
func (s *site) awaitViewers(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("live/cam has %d viewers", n), func() bool {
		got := s.do(t, request{method: "GET", path: "/api/streams/live/cam"})
		return strings.Contains(got.body, fmt.Sprintf(`"viewers":%d`, n))
	})
}

func TestLive(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	p := newPlayer(t)
	path := p.join(t, s)
	if a, b := receive(t, "first track", p.tracks), receive(t, "second track", p.tracks); a == b {
		t.Errorf("A8 two %s tracks", a)
	}
	s.awaitViewers(t, 1)
	if got := s.do(t, request{method: "DELETE", path: path}); got.status != 200 {
		t.Errorf("A6.52 DELETE: %d", got.status)
	}
	p.awaitState(t, webrtc.PeerConnectionStateClosed) // A6.53 close_notify
	if got := s.do(t, request{method: "DELETE", path: path}); got.status != 404 {
		t.Errorf("A6.54 second DELETE: %d", got.status)
	}
	s.awaitViewers(t, 0) // A6.53
	if n := s.sample(t, "sluice_whep_sessions_ended_total", endDeleted); n != 1 {
		t.Errorf("%v sessions were deleted, want 1", n)
	}
}

// OBS and whip-whep close the peer connection, then send DELETE.
func TestLiveCloseThenDelete(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	for _, wait := range []bool{false, true} {
		p := newPlayer(t)
		path := p.join(t, s)
		receive(t, "track", p.tracks) // both sides know that they are connected
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if wait {
			eventually(t, "the session ends by close_notify", func() bool {
				return s.do(t, request{method: "GET", path: path}).status == 404
			})
		}
		if got := s.do(t, request{method: "DELETE", path: path}); got.status != 200 {
			t.Errorf("A6.55 DELETE after close (waited: %t): %d", wait, got.status)
		}
	}
	if n := s.sample(t, "sluice_whep_sessions_ended_total", endLeft); n == 0 {
		t.Error("no session was counted as left")
	}
}

// A trickled address gets a connectivity check (RFC 8445 §7.2.2).
func TestLiveTrickle(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	p := newPlayer(t)
	offer := p.offer(t)
	path := s.do(t, post(endpoint, offer)).header.Get("Location")
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	frag := fmt.Sprintf("a=ice-ufrag:%s\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\na=%s\r\na=%s\r\na=candidate:1 1 UDP 2130706431 127.0.0.1 %d typ host\r\n",
		ufragOf(offer), hostMDNS, hostTCP, udp.LocalAddr().(*net.UDPAddr).Port)
	if got := s.do(t, patch(path, frag)); got.status != 204 {
		t.Fatalf("PATCH: %d %s", got.status, got.body)
	}
	if err := udp.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 1500)
	n, err := udp.Read(packet)
	if err != nil || n < 20 || packet[0] != 0 || packet[1] != 1 {
		t.Errorf("A5.47 no binding request: % x (%v)", packet[:n], err)
	}
}

func TestLiveRefusals(t *testing.T) {
	s, offAir := newLive(t, egress.Config{MaxViewers: 1, Grace: time.Hour})
	offers := readOffers(t)
	if got := s.do(t, post("/whep/live/none", offers["chromium"])); got.status != 404 {
		t.Errorf("A1.11 unknown stream: %d", got.status)
	}
	if got := s.do(t, post(endpoint, offers["firefox-fresh"])); got.status != 422 {
		t.Errorf("A4.40 no H.264: %d %s", got.status, got.body)
	}
	path, _ := s.join(t)
	if got := s.do(t, post(endpoint, offers["chromium"])); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("A1.13 one viewer too many: %d", got.status)
	}
	s.do(t, request{method: "DELETE", path: path})
	s.awaitViewers(t, 0)
	offAir()
	if got := s.do(t, post(endpoint, offers["chromium"])); got.status != 409 || got.header.Get("Retry-After") != "2" {
		t.Errorf("A1.11 not live: %d %s", got.status, got.body)
	}
}

// Part A4 of the checklist, as far as the answer's form goes.
func TestLiveAnswers(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	for name, text := range readOffers(t) {
		if name == "firefox-fresh" {
			continue // has no H.264: TestLiveRefusals
		}
		t.Run(name, func(t *testing.T) {
			r := s.do(t, post(endpoint, text))
			if r.status != 201 {
				t.Fatalf("A1.1 %d %s", r.status, r.body)
			}
			checkAnswer(t, text, r.body)
			lf := s.do(t, post(endpoint, strings.ReplaceAll(text, "\r\n", "\n")))
			if lf.status != 201 {
				t.Errorf("A4.39 LF line ends: %d %s", lf.status, lf.body)
			}
		})
	}
}

func TestLiveParallel(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	offer := chromium(t)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			r := s.do(t, post(endpoint, offer))
			if r.status != 201 {
				t.Errorf("A1.14 POST: %d %s", r.status, r.body)
				return
			}
			if got := s.do(t, request{method: "DELETE", path: r.header.Get("Location")}); got.status != 200 {
				t.Errorf("A1.14 DELETE: %d", got.status)
			}
		})
	}
	wg.Wait()
	eventually(t, "100 sessions have ended", func() bool {
		return s.sample(t, "sluice_whep_sessions_ended_total", endDeleted) == 100
	})
	if got := size(&s.handler.sessions); got != [2]int{} {
		t.Errorf("sessions and tombstones left: %d", got)
	}
	s.awaitViewers(t, 0)
}

// Media goes on over an ICE restart, and the sequence numbers have no hole.
func TestLiveRestart(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	p := newPlayer(t)
	packets := make(chan uint16, 10_000)
	p.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, _, err := tr.ReadRTP()
			if err != nil {
				return
			}
			if tr.Kind() == webrtc.RTPCodecTypeAudio {
				packets <- packet.SequenceNumber
			}
		}
	})
	path := p.join(t, s)
	last := receive(t, "packet", packets)
	follow := func(n int) {
		for range n {
			next := receive(t, "packet", packets)
			if next != last+1 {
				t.Errorf("A5.49 packet %d follows %d", next, last)
			}
			last = next
		}
	}
	follow(20)
	for range 3 {
		p.restart(t, func(q request) reply { return s.do(t, q) }, path)
		follow(100)
	}
	if got := s.do(t, request{method: "DELETE", path: path}); got.status != 200 {
		t.Errorf("DELETE: %d", got.status)
	}
}

// restart restarts ICE by a PATCH that do makes.
func (p *player) restart(t *testing.T, do func(request) reply, path string) {
	t.Helper()
	o, err := p.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	var frag string
	for line := range strings.Lines(o.SDP) {
		if strings.HasPrefix(line, "a=ice-ufrag:") || strings.HasPrefix(line, "a=ice-pwd:") {
			frag += line
		}
	}
	r := do(patch(path, frag).with("If-Match", "*"))
	if r.status != 200 {
		t.Fatalf("A5.48 %d %s", r.status, r.body)
	}
	<-time.After(200 * time.Millisecond) // the answer's way: ten packets of sound fall into it
	var answer sdp.SessionDescription
	if err := answer.UnmarshalString(p.CurrentRemoteDescription().SDP); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(r.body) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "a="), ":")
		for _, m := range answer.MediaDescriptions {
			for i, a := range m.Attributes {
				if a.Key == name && strings.HasPrefix(name, "ice-") {
					m.Attributes[i].Value = value
				}
			}
		}
	}
	text, err := answer.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(text)}); err != nil {
		t.Fatal(err)
	}
}
