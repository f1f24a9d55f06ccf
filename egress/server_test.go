package egress

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

func testServer(t testing.TB, c Config) *Server {
	t.Helper()
	if c.Transport == nil {
		c.Transport = listen(t, rtc.Config{})
	}
	c.Metrics = metrics.New(prometheus.NewRegistry())
	c.Logger = slog.New(slog.DiscardHandler)
	s := New(c)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// listen returns a transport on a loopback port, unless c says otherwise.
func listen(t testing.TB, c rtc.Config) *rtc.Transport {
	t.Helper()
	c.UDPAddr, c.Logger = cmp.Or(c.UDPAddr, "127.0.0.1:0"), slog.New(slog.DiscardHandler)
	transport, err := rtc.Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = transport.Close() })
	return transport
}

// client is a WebRTC receiver that is not ours.
type client struct {
	pc     *webrtc.PeerConnection
	mux    ice.UDPMux
	closed sync.WaitGroup

	mu      sync.Mutex
	over    bool
	packets map[webrtc.RTPCodecType][]*rtp.Packet
	reports map[uint32][]*rtcp.SenderReport // by SSRC
	changed chan struct{}
}

func newClient(t testing.TB) *client {
	t.Helper()
	return newClientOn(t, "127.0.0.1:0")
}

func newClientOn(t testing.TB, addr string, set ...func(*webrtc.SettingEngine)) *client {
	t.Helper()
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	for _, f := range set {
		f(&s)
	}
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.UDPConn).SetReadBuffer(4 << 20) // for a machine under load
	mux := webrtc.NewICEUDPMux(nil, conn)
	s.SetICEUDPMux(mux)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{
		pc: pc, mux: mux, packets: map[webrtc.RTPCodecType][]*rtp.Packet{}, reports: map[uint32][]*rtcp.SenderReport{},
		changed: make(chan struct{}, 1),
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	pc.OnTrack(func(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.over { // pion calls from a goroutine that it does not wait for
			c.closed.Go(func() { c.readRTCP(r) })
			c.closed.Go(func() { c.readRTP(track) })
		}
	})
	t.Cleanup(c.close)
	return c
}

func (c *client) close() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	_ = c.pc.GracefulClose()
	c.closed.Wait()
	_ = c.mux.Close()
}

// seen returns the packets so far.
func (c *client) seen() map[webrtc.RTPCodecType][]*rtp.Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.packets)
}

func (c *client) readRTP(track *webrtc.TrackRemote) {
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		c.note(func() { c.packets[track.Kind()] = append(c.packets[track.Kind()], p) })
	}
}

func (c *client) readRTCP(r *webrtc.RTPReceiver) {
	for {
		packets, _, err := r.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok {
				c.note(func() { c.reports[sr.SSRC] = append(c.reports[sr.SSRC], sr) })
			}
		}
	}
}

func (c *client) note(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// wait returns when done, which is called with mu held, says so.
func (c *client) wait(t testing.TB, what string, done func() bool) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		ok := done()
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-c.changed:
		case <-timeout:
			t.Fatalf("no %s", what)
		}
	}
}

// play joins a stream.
func (c *client) play(t testing.TB, s *Server, stream string) *Viewer {
	t.Helper()
	return c.playWith(t, s, stream, func(sdp string) string { return sdp })
}

// playWith joins with an edited offer and answer.
func (c *client) playWith(t testing.TB, s *Server, stream string, edit func(sdp string) string) *Viewer {
	t.Helper()
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	v, err := s.Play(stream, edit(offer.SDP))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: edit(v.Answer())}); err != nil {
		t.Fatal(err)
	}
	return v
}

// publishLive writes synthetic audio and video at their pace until the test
// ends or stop is called.
func publishLive(t testing.TB, s *Server, stream string) (stop func()) {
	t.Helper()
	p, err := s.Publish(stream)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		start := time.Now()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for v, a := 0, 0; ctx.Err() == nil; {
			for at := time.Since(start); time.Duration(v)*time.Second/50 < at; v++ {
				au := mediatest.VideoStream{FPS: 50, GOP: 10, Epoch: start, Sequence: v}.AccessUnits(1)[0]
				_ = p.WriteVideo(au)
			}
			for at := time.Since(start); time.Duration(a)*20*time.Millisecond < at; a++ {
				_ = p.WriteAudio(mediatest.AudioStream{Epoch: start, Sequence: a}.Opus(1)[0])
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
		_ = p.Close()
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

func TestPlay(t *testing.T) {
	s := testServer(t, Config{})
	publishLive(t, s, "live/a")
	c := newClient(t)
	v := c.play(t, s, "live/a")

	t.Run("answer", func(t *testing.T) {
		a := v.Answer()
		for _, want := range []string{
			"a=sendonly", "a=setup:passive", "a=end-of-candidates", "a=ice-options:trickle",
			"sprop-stereo=1", "typ host", "a=group:BUNDLE 0 1",
		} {
			if !strings.Contains(a, want) {
				t.Errorf("no %s in the answer:\n%s", want, a)
			}
		}
		if n := strings.Count(a, "a=candidate:"); n != 1 || !strings.Contains(a, s.config.Transport.UDPAddr().Addr().String()) {
			t.Errorf("%d candidates, want the bound address alone:\n%s", n, a)
		}
		if strings.Contains(a, "sendrecv") || strings.Contains(a, "a=recvonly") {
			t.Errorf("a direction other than sendonly:\n%s", a)
		}
	})

	c.wait(t, "media and sender reports", func() bool {
		return len(c.packets[webrtc.RTPCodecTypeVideo]) > 200 && len(c.packets[webrtc.RTPCodecTypeAudio]) > 30 && len(c.reports) == 2
	})
	seen := c.seen()
	for kind, packets := range seen {
		checkPackets(t, kind, packets)
	}
	if first := seen[webrtc.RTPCodecTypeVideo][0]; first.Payload[0]&nalTypeMask != naluSTAPA {
		t.Errorf("video begins with NAL unit type %d, want the parameter sets", first.Payload[0]&nalTypeMask)
	}
}

func TestPlayIPv6(t *testing.T) {
	s := testServer(t, Config{Transport: listen(t, rtc.Config{UDPAddr: "[::1]:0"})})
	publishLive(t, s, "live/a")
	c := newClientOn(t, "[::1]:0")
	if v := c.play(t, s, "live/a"); !strings.Contains(v.Answer(), " ::1 ") {
		t.Errorf("the candidate is not ::1:\n%s", v.Answer())
	}
	c.wait(t, "video", func() bool { return len(c.packets[webrtc.RTPCodecTypeVideo]) > 50 })
	checkPackets(t, webrtc.RTPCodecTypeVideo, c.seen()[webrtc.RTPCodecTypeVideo])
}

func TestPublicAddresses(t *testing.T) {
	public := []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")}
	s := testServer(t, Config{Transport: listen(t, rtc.Config{PublicIPs: public})})
	publishLive(t, s, "live/a")
	v := newClient(t).play(t, s, "live/a")
	for _, ip := range public {
		if !strings.Contains(v.Answer(), " "+ip.String()+" ") {
			t.Errorf("%v is not announced:\n%s", ip, v.Answer())
		}
	}
	if strings.Count(v.Answer(), "a=candidate:") != len(public) {
		t.Errorf("more than the public addresses are announced:\n%s", v.Answer())
	}
}

// checkPackets checks what holds for a track without loss.
func checkPackets(t *testing.T, kind webrtc.RTPCodecType, packets []*rtp.Packet) {
	t.Helper()
	for i, p := range packets {
		if i == 0 {
			continue
		}
		last := packets[i-1]
		if p.SequenceNumber != last.SequenceNumber+1 {
			t.Fatalf("%s: packet %d has sequence number %d after %d", kind, i, p.SequenceNumber, last.SequenceNumber)
		}
		if p.SSRC != last.SSRC {
			t.Fatalf("%s: the SSRC changed", kind)
		}
		if kind == webrtc.RTPCodecTypeAudio {
			if p.Timestamp-last.Timestamp != 960 {
				t.Fatalf("audio steps by %d", p.Timestamp-last.Timestamp)
			}
			continue
		}
		if (p.Timestamp != last.Timestamp) != last.Marker {
			t.Fatalf("video: marker %t, then timestamps %d and %d", last.Marker, last.Timestamp, p.Timestamp)
		}
	}
}

// The reports of both tracks map the same media time to the same wall time.
func TestSenderReportsAgree(t *testing.T) {
	s := testServer(t, Config{})
	publishLive(t, s, "live/a")
	c := newClient(t)
	c.play(t, s, "live/a")
	c.wait(t, "two reports a track", func() bool {
		n := 0
		for _, r := range c.reports {
			if len(r) >= 2 {
				n++
			}
		}
		return n == 2
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	// In the synthetic stream, audio and video of the same PTS have the same
	// Arrival, so what each track's reports say of its first packet must
	// differ by as much as their PTS: by a multiple of 20 ms.
	wall := func(kind webrtc.RTPCodecType, clock float64) float64 {
		p := c.packets[kind][len(c.packets[kind])-1]      // live, not replayed
		sr := c.reports[p.SSRC][len(c.reports[p.SSRC])-1] // of the same instant as the other track's
		ntp := float64(sr.NTPTime>>32) + float64(sr.NTPTime&(1<<32-1))/(1<<32)
		return ntp + float64(int32(p.Timestamp-sr.RTPTime))/clock
	}
	off := wall(webrtc.RTPCodecTypeVideo, videoClock) - wall(webrtc.RTPCodecTypeAudio, audioClock)
	frames := off / 0.020
	if d := frames - float64(int(frames+0.5*sign(frames))); d*0.020 > 0.001 || d*0.020 < -0.001 {
		t.Errorf("audio and video are %.1f ms off a whole frame", d*20)
	}
}

func sign(f float64) float64 {
	if f < 0 {
		return -1
	}
	return 1
}

func TestPlayErrors(t *testing.T) {
	s := testServer(t, Config{MaxViewers: 1})
	stop := publishLive(t, s, "live/a")
	c := newClient(t)
	v := c.play(t, s, "live/a")
	offer := recorded(t, "chromium")
	if _, err := s.Play("live/b", offer); !errors.Is(err, ErrNoStream) {
		t.Errorf("an unknown stream: %v", err)
	}
	if _, err := s.Play("live/a", offer); !errors.Is(err, ErrTooManyViewers) {
		t.Errorf("one viewer too many: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if cause := context.Cause(v.Context()); !errors.Is(cause, ErrViewerClosed) {
		t.Errorf("ended by %v", cause)
	}
	if _, err := s.Play("live/a", recorded(t, "firefox-fresh")); !errors.Is(err, ErrNoCommonCodec) {
		t.Errorf("no H.264: %v", err)
	}
	if _, err := s.Play("live/a", strings.ReplaceAll(offer, "a=fingerprint", "a=x")); !errors.Is(err, ErrBadOffer) {
		t.Errorf("no fingerprint: %v", err)
	}
	stop()
	if _, err := s.Play("live/a", offer); !errors.Is(err, ErrNotLive) {
		t.Errorf("between publications: %v", err)
	}
	if got := s.Streams(); len(got) != 1 || got[0].Viewers != 0 || got[0].Live {
		t.Errorf("streams: %+v", got)
	}
}

// Every recorded offer gets an answer with as many m-lines, and is freed.
func TestAnswersMirrorOffers(t *testing.T) {
	s := testServer(t, Config{})
	publishLive(t, s, "live/a")
	for _, name := range []string{
		"chromium", "chromium-audio-only", "chromium-video-first", "chromium-no-candidates",
		"firefox", "firefox-max-bundle", "libdatachannel-like", "reader-js", "safari-like", "ffmpeg-like",
	} {
		t.Run(name, func(t *testing.T) {
			offer := recorded(t, name)
			v, err := s.Play("live/a", offer)
			if err != nil {
				t.Fatal(err)
			}
			mlines := func(s string) (list []string) {
				for l := range strings.Lines(s) {
					if strings.HasPrefix(l, "m=") {
						list = append(list, strings.Fields(l)[0])
					}
				}
				return list
			}
			if got, want := mlines(v.Answer()), mlines(offer); !slices.Equal(got, want) {
				t.Errorf("m-lines %v, want %v", got, want)
			}
			if err := v.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A viewer that leaves is noticed at once, and a publisher that returns goes on
// in the same session.
func TestSessionLife(t *testing.T) {
	s := testServer(t, Config{})
	stop := publishLive(t, s, "live/a")
	c := newClient(t)
	v := c.play(t, s, "live/a")
	video := webrtc.RTPCodecTypeVideo
	c.wait(t, "video", func() bool { return len(c.packets[video]) > 100 })
	stop()
	c.mu.Lock()
	before := len(c.packets[video])
	c.mu.Unlock()
	publishLive(t, s, "live/a")
	c.wait(t, "video of the second publication", func() bool { return len(c.packets[video]) > before+100 })
	checkPackets(t, video, c.seen()[video])
	c.close()
	select {
	case <-v.Context().Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the viewer's close_notify was not noticed")
	}
	if cause := context.Cause(v.Context()); !errors.Is(cause, ErrViewerLeft) {
		t.Errorf("ended by %v", cause)
	}
}

// Viewers that stay lose nothing while others come and go: pion/ice sets a
// deadline on the shared socket when one leaves.
func TestLeavingHurtsNobody(t *testing.T) {
	s := testServer(t, Config{})
	publishLive(t, s, "live/a")
	steady := make([]*client, 8)
	for i := range steady {
		steady[i] = newClient(t)
		steady[i].play(t, s, "live/a")
	}
	for range 15 {
		c := newClient(t)
		v := c.play(t, s, "live/a")
		c.wait(t, "video", func() bool { return len(c.packets[webrtc.RTPCodecTypeVideo]) > 0 })
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		c.close()
	}
	for _, c := range steady {
		for kind, packets := range c.seen() {
			checkPackets(t, kind, packets)
		}
	}
}

func TestCloseEndsViewers(t *testing.T) {
	s := testServer(t, Config{})
	publishLive(t, s, "live/a")
	c := newClient(t)
	v := c.play(t, s, "live/a")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if cause := context.Cause(v.Context()); !errors.Is(cause, ErrClosed) {
		t.Errorf("ended by %v", cause)
	}
	if _, err := s.Publish("live/b"); !errors.Is(err, ErrClosed) {
		t.Errorf("a publication after Close: %v", err)
	}
}
