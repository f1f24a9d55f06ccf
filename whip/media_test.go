package whip

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/media/mediatest"
)

// arrival is a packet and when it came.
type arrival struct {
	*rtp.Packet
	at time.Time
}

// Part A8 of the checklist, on a stream whose next IDR is 20 s away.
func TestLiveMedia(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	pub, err := s.server.Publish("live/long")
	if err != nil {
		t.Fatal(err)
	}
	defer broadcastGOP(t, pub, 1000)()
	time.Sleep(200 * time.Millisecond) // into the GOP

	video, audio := make(chan arrival, 10_000), make(chan arrival, 10_000)
	reports := make(chan uint32, 100)
	p := newPlayer(t)
	p.OnTrack(func(tr *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		go func() {
			for {
				packets, _, err := r.ReadRTCP()
				if err != nil {
					return
				}
				for _, q := range packets {
					if sr, ok := q.(*rtcp.SenderReport); ok {
						reports <- sr.SSRC
					}
				}
			}
		}()
		to := audio
		if tr.Kind() == webrtc.RTPCodecTypeVideo {
			to = video
		}
		for {
			q, _, err := tr.ReadRTP()
			if err != nil {
				return
			}
			to <- arrival{q, time.Now()}
		}
	})
	p.joinAt(t, s, "/whep/live/long")
	p.awaitState(t, webrtc.PeerConnectionStateConnected)
	connected := time.Now()

	first := receive(t, "video", video)
	if kind := first.Payload[0] & 0x1f; kind != 24 && kind != 7 { // STAP-A or SPS (RFC 6184 §5.2)
		t.Errorf("A8.63 video begins with NAL unit type %d, not with parameter sets", kind)
	}
	for name, c := range map[string]struct {
		from  chan arrival
		first arrival
	}{"video": {video, first}, "audio": {audio, receive(t, "audio", audio)}} {
		for range 100 {
			q := receive(t, name, c.from)
			if q.SSRC != c.first.SSRC || q.PayloadType != c.first.PayloadType {
				t.Errorf("A8.64 %s: SSRC %d and %d, payload type %d and %d", name, c.first.SSRC, q.SSRC, c.first.PayloadType, q.PayloadType)
			}
			if n := q.MarshalSize(); n > 1250 {
				t.Errorf("A8.64 %s packet of %d bytes", name, n)
			}
		}
	}
	reported := map[uint32]bool{}
	for len(reported) < 2 {
		reported[receive(t, "sender report of each track", reports)] = true
	}
	if took := time.Since(connected); took > 6*time.Second {
		t.Errorf("A8.64 sender reports of both after %v", took)
	}
	const resent = "sluice_egress_retransmitted_packets_total"
	before := s.sample(t, resent, "live/long")
	nack := &rtcp.TransportLayerNack{MediaSSRC: first.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{receive(t, "video", video).SequenceNumber})}
	if err := p.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "A8.64 the packet is sent once more", func() bool { return s.sample(t, resent, "live/long") == before+1 })
}

// A picture comes at once, though the publisher sends nothing any more: nobody
// waits for a keyframe, nor for any other frame.
func TestLivePicture(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	pub, err := s.server.Publish("live/still")
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	for _, au := range (mediatest.VideoStream{FPS: 50, GOP: 1000}).AccessUnits(20) {
		au.Arrival = time.Now()
		if err := pub.WriteVideo(au); err != nil {
			t.Fatal(err)
		}
	}
	o := newOutside(s.url+"/whep/live/still", "")
	best := time.Hour
	for range 3 { // one join is held up easily
		w := o.watch(t, webrtc.SettingEngine{}, "actpass")
		w.awaitState(t, webrtc.PeerConnectionStateConnected)
		connected := time.Now()
		a := receive(t, "video", w.video)
		if kind := a.Payload[0] & 0x1f; kind != 24 && kind != 7 {
			t.Errorf("A8.63 video begins with NAL unit type %d, not with parameter sets", kind)
		}
		for !a.Marker {
			a = receive(t, "the rest of the picture", w.video)
		}
		best = min(best, a.at.Sub(connected))
	}
	if best > 300*time.Millisecond {
		t.Errorf("A8.63 the picture was whole %v after DTLS", best)
	}
}

func TestLiveSRTPProfiles(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	for name, profile := range map[string]dtls.SRTPProtectionProfile{
		"A8.65 AES128_CM_SHA1_80": dtls.SRTP_AES128_CM_HMAC_SHA1_80,
		"A8.65 AEAD_AES_128_GCM":  dtls.SRTP_AEAD_AES_128_GCM,
	} {
		t.Run(name, func(t *testing.T) {
			var e webrtc.SettingEngine
			e.SetSRTPProtectionProfiles(profile)
			p := newPlayerOf(t, e)
			p.join(t, s)
			receive(t, "track", p.tracks)
		})
	}
}

// Whoever wants to be what in DTLS, media flows.
func TestLiveSetup(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	for offered, want := range map[string]string{"actpass": "passive", "active": "passive", "passive": "active"} {
		t.Run("A4.31 "+offered, func(t *testing.T) {
			p := newPlayer(t)
			r := s.do(t, post(endpoint, strings.ReplaceAll(p.offer(t), "a=setup:actpass", "a=setup:"+offered)))
			if r.status != 201 || !strings.Contains(r.body, "a=setup:"+want) {
				t.Fatalf("A4.31 %d, no setup:%s in %s", r.status, want, r.body)
			}
			if err := p.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: r.body}); err != nil {
				t.Fatal(err)
			}
			receive(t, "track", p.tracks)
		})
	}
}

// Who holds another certificate than the one that was offered gets no media.
func TestLiveForeignCertificate(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	p := newPlayer(t)
	offer := p.offer(t)
	i := strings.Index(offer, "a=fingerprint:sha-256 ") + len("a=fingerprint:sha-256 ")
	print := offer[i : i+32*3-1]
	r := s.do(t, post(endpoint, strings.ReplaceAll(offer, print, strings.Map(shiftHex, print))))
	if r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if err := p.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: r.body}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "A4.32 the session ends", func() bool {
		return s.sample(t, "sluice_whep_sessions_ended_total", endNeverConnected) == 1
	})
	select {
	case kind := <-p.tracks:
		t.Errorf("A4.32 %s came", kind)
	default:
	}
}

func shiftHex(r rune) rune {
	if r == ':' {
		return r
	}
	return rune("123456789ABCDEF0"[strings.IndexRune("0123456789ABCDEF", r)])
}

// An address that does not answer is asked a few times, and gets nothing else:
// Sluice is no means of flooding somebody.
func TestLiveSilentAddress(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	victim, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	path, _ := s.join(t)
	frag := "a=ice-ufrag:" + ufragOf(chromium(t)) + "\r\n"
	candidate := "candidate:1 1 UDP 2130706431 127.0.0.1 " + portOf(victim) + " typ host"
	for range 50 { // of the same address, and the session takes no more than eight in all
		frag += "a=" + candidate + "\r\n"
	}
	if got := s.do(t, patch(path, frag)); got.status != 204 {
		t.Fatalf("PATCH: %d", got.status)
	}
	packet, n := make([]byte, 1500), 0
	for end := time.Now().Add(4 * time.Second); ; n++ {
		_ = victim.SetReadDeadline(end)
		size, err := victim.Read(packet)
		if err != nil {
			break
		}
		if size < 20 || packet[0] != 0 || packet[1] != 1 {
			t.Errorf("A9.67 not a binding request: % x", packet[:size])
		}
	}
	if n == 0 || n > 40 {
		t.Errorf("A9.67 %d checks in 4 s", n)
	}
}

func portOf(c *net.UDPConn) string {
	_, port, _ := net.SplitHostPort(c.LocalAddr().String())
	return port
}
