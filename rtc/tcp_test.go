package rtc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// patience bounds what takes milliseconds.
const patience = 10 * time.Second

func listenLoopback(t *testing.T, c Config) *Transport {
	t.Helper()
	c.UDPAddr, c.TCPAddr = "127.0.0.1:0", "127.0.0.1:0"
	tr, err := Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// connect lets a client of some networks connect to a transport.
func connect(t *testing.T, tr *Transport, networks ...webrtc.NetworkType) (peer *Peer, answer string) {
	t.Helper()
	peer, client := connectBoth(t, tr, networks...)
	return peer, client.RemoteDescription().SDP
}

// connectBoth returns both ends.
func connectBoth(t *testing.T, tr *Transport, networks ...webrtc.NetworkType) (peer *Peer, client *webrtc.PeerConnection) {
	t.Helper()
	settings := webrtc.SettingEngine{}
	settings.SetNetworkTypes(networks)
	settings.SetIncludeLoopbackCandidate(true)
	client, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.GracefulClose() })
	connected := make(chan struct{}, 10)
	client.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			connected <- struct{}{}
		}
	})
	if _, err := client.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	offer, err := client.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseOffer(offer.SDP, Receiver)
	if err != nil {
		t.Fatal(err)
	}
	if peer, err = tr.NewPeer(parsed, &interceptor.Registry{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.GracefulClose() })
	answer, err := peer.Answer()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-connected:
	case <-time.After(patience):
		t.Fatal("no connection")
	}
	return peer, client
}

// A peer whose network lets no UDP through connects over TCP. For a restart of
// ICE it is given the TCP candidate first.
func TestConnectsOverTCP(t *testing.T) {
	peer, answer := connect(t, listenLoopback(t, Config{}), webrtc.NetworkTypeTCP4)
	if udp, tcp := strings.Index(answer, " udp "), strings.Index(answer, " tcp "); udp < 0 || tcp < udp || !strings.Contains(answer, "tcptype passive") {
		t.Errorf("the answer has UDP at %d, TCP at %d:\n%s", udp, tcp, answer)
	}
	if !peer.overTCP() {
		t.Error("the connection is said not to be over TCP")
	}
	made, err := peer.RestartICE("newufrag", "new password of 22 bytes")
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Candidates) != 2 || !strings.Contains(made.Candidates[0], " tcp ") {
		t.Errorf("a restart offers %q, want TCP first", made.Candidates)
	}
}

// With ICE lite the peer does all the checks (RFC 8445 §2.5).
func TestConnectsToLite(t *testing.T) {
	for _, network := range []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4} {
		if _, answer := connect(t, listenLoopback(t, Config{Lite: true}), network); !strings.Contains(answer, "a=ice-lite\r\n") {
			t.Errorf("the answer does not say it:\n%s", answer)
		}
	}
}

// Connections that are nobody's do not stay.
func TestStrangersOverTCP(t *testing.T) {
	tr := listenLoopback(t, Config{})
	request := func(name string) []byte {
		m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(name))
		if err != nil {
			t.Fatal(err)
		}
		return framed(m.Raw)
	}
	for name, sent := range map[string][]byte{
		"HTTP":          []byte("GET / HTTP/1.1\r\n\r\n"),
		"unknown ufrag": request("nobody:me"),
		"no name":       framed(append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)),
		"empty":         framed(nil),
		"too long":      {0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", tr.TCPAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write(sent); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, errTimeout(err)) {
				t.Errorf("the connection stays: %v", err)
			}
		})
	}
	// One that says nothing stays for a while, and does not keep Close waiting.
	conn, err := net.Dial("tcp", tr.TCPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
}

// errTimeout returns err if it is about time.
func errTimeout(err error) error {
	var e net.Error
	if errors.As(err, &e) && e.Timeout() {
		return err
	}
	return io.ErrNoProgress
}

func framed(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

// Nobody waits for a peer that takes nothing. It counts as full, what is no
// media is lost, and it ends.
func TestStalledTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		route := &route{}
		c := newTCPConn(ours, netip.AddrPort{}, &route.queued)
		done := make(chan struct{})
		start := time.Now()
		go func() {
			defer close(done)
			c.drain()
		}()
		media, check := append([]byte{0x80, 96}, make([]byte, 1200)...), make([]byte, 100)
		for !route.full() {
			if _, err := c.write(media); err != nil {
				t.Fatal(err)
			}
		}
		for range 1000 { // a keyframe that had begun is taken whole
			_, _ = c.write(media)
		}
		synctest.Wait()
		before := route.queued.Load()
		for range 10_000 {
			if _, err := c.write(check); err != nil {
				t.Fatal(err)
			}
		}
		if after := route.queued.Load(); after != before || before < 1000*1200 {
			t.Errorf("%d bytes wait, then %d", before, after)
		}
		<-done
		if took := time.Since(start); took != stallTime {
			t.Errorf("it ended after %v, want %v", took, stallTime)
		}
		if _, err := c.write(media); err == nil || route.queued.Load() != 0 {
			t.Errorf("at the end %d bytes wait, %v", route.queued.Load(), err)
		}
	})
}

// One that takes little goes on.
func TestSlowTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		route := &route{}
		c := newTCPConn(ours, netip.AddrPort{}, &route.queued)
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.drain()
		}()
		media := append([]byte{0x80, 96}, make([]byte, 1200)...)
		for range 100 {
			_, _ = c.write(media)
		}
		in := newFrames(theirs)
		for i := range 100 {
			time.Sleep(100 * time.Millisecond) // 96 kbit/s
			if got, err := in.next(); err != nil || !bytes.Equal(got, media) {
				t.Fatalf("packet %d: %d bytes, %v", i, len(got), err)
			}
		}
		synctest.Wait()
		if n := route.queued.Load(); n != 0 {
			t.Errorf("%d bytes wait", n)
		}
		theirs.Close()
		c.close()
		<-done
	})
}

// What was written is read, in order, however the stream was cut.
func TestFrames(t *testing.T) {
	var stream []byte
	var want [][]byte
	for _, n := range []int{1, 2, 1500, maxFrame, 20} {
		packet := bytes.Repeat([]byte{byte(n)}, n)
		want = append(want, packet)
		stream = append(stream, framed(packet)...)
	}
	for _, cut := range []int{1, 3, 1000, len(stream)} {
		r, w := io.Pipe()
		go func() {
			for piece := range slices.Chunk(stream, cut) {
				_, _ = w.Write(piece)
			}
			w.Close()
		}()
		in := newFrames(r)
		for i := range want {
			if got, err := in.next(); err != nil || !bytes.Equal(got, want[i]) {
				t.Errorf("in pieces of %d: frame %d is %d bytes, %v", cut, i, len(got), err)
			}
		}
		if _, err := in.next(); err == nil {
			t.Error("there is one more")
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 1, 5, 0, 0})
	f.Add([]byte{0xff, 0xff, 1})
	f.Add([]byte{0, 5, 1, 2})
	f.Fuzz(func(t *testing.T, stream []byte) {
		in, read := newFrames(bytes.NewReader(stream)), 0
		for {
			packet, err := in.next()
			if err != nil {
				break
			}
			read += 2 + len(packet)
		}
		if read > len(stream) {
			t.Errorf("%d bytes of %d were read", read, len(stream))
		}
	})
}

func TestCandidateOrder(t *testing.T) {
	answer := "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n" +
		"a=candidate:4 1 tcp 1671430143 192.0.2.1 8189 typ host tcptype passive\r\n" +
		"a=candidate:3 1 udp 2130706431 2001:db8::1 8189 typ host\r\n" +
		"a=candidate:2 2 udp 2130706430 192.0.2.1 8189 typ host\r\n" +
		"a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host\r\n"
	made, err := iceOf(answer)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, c := range made.Candidates {
		order = append(order, strings.TrimPrefix(strings.Fields(c)[0], "candidate:"))
	}
	if got := strings.Join(order, " "); got != "1 3 4" || made.Ufrag != "u" || made.Pwd != "p" {
		t.Errorf("candidates %s of %s:%s", got, made.Ufrag, made.Pwd)
	}
}
