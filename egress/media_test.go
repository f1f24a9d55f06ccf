package egress

import (
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/rtc"
)

// Whatever a client's DTLS leads to, media arrives whole; it takes the short
// way unless the client is the server in DTLS.
func TestMediaOfEveryHandshake(t *testing.T) {
	suites := []dtls.CipherSuiteID{
		dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	}
	cases := map[string]struct {
		profile dtls.SRTPProtectionProfile
		suite   dtls.CipherSuiteID
		setup   string
		short   bool
	}{
		"AES-128-GCM":                   {dtls.SRTP_AEAD_AES_128_GCM, suites[0], "actpass", true},
		"AES-256-GCM":                   {dtls.SRTP_AEAD_AES_256_GCM, suites[0], "actpass", true},
		"AES-CM":                        {dtls.SRTP_AES128_CM_HMAC_SHA1_80, suites[0], "actpass", true},
		"SHA-384":                       {dtls.SRTP_AEAD_AES_128_GCM, suites[1], "actpass", true},
		"CBC":                           {dtls.SRTP_AEAD_AES_128_GCM, suites[2], "active", true},
		"the client is the DTLS server": {dtls.SRTP_AEAD_AES_128_GCM, suites[0], "passive", false},
	}
	s := testServer(t, Config{})
	publishLive(t, s, "live/a")
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newClientOn(t, "127.0.0.1:0", func(e *webrtc.SettingEngine) {
				e.SetSRTPProtectionProfiles(tc.profile)
				e.SetDTLSCipherSuites(tc.suite)
			})
			v := c.playWith(t, s, "live/a", func(sdp string) string {
				return strings.ReplaceAll(sdp, "a=setup:actpass", "a=setup:"+tc.setup)
			})
			c.wait(t, "media", func() bool {
				return len(c.packets[webrtc.RTPCodecTypeVideo]) > 100 && len(c.packets[webrtc.RTPCodecTypeAudio]) > 10
			})
			for kind, packets := range c.seen() {
				checkPackets(t, kind, packets)
			}
			v.mu.Lock()
			defer v.mu.Unlock()
			if short := v.peer.media != nil; short != tc.short {
				t.Errorf("media takes the short way: %t", short)
			}
		})
	}
}

// A client that UDP does not reach gets its media over its TCP connection.
func TestMediaOverTCP(t *testing.T) {
	s := testServer(t, Config{Transport: listen(t, rtc.Config{TCPAddr: "127.0.0.1:0"})})
	publishLive(t, s, "live/a")
	c := newClientOn(t, "127.0.0.1:0", func(e *webrtc.SettingEngine) {
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	})
	overUDP := regexp.MustCompile(`(?m)^a=candidate:\S+ \d udp .*\n`)
	v := c.playWith(t, s, "live/a", func(sdp string) string { return overUDP.ReplaceAllString(sdp, "") })
	c.wait(t, "media", func() bool {
		return len(c.packets[webrtc.RTPCodecTypeVideo]) > 100 && len(c.packets[webrtc.RTPCodecTypeAudio]) > 10
	})
	for kind, packets := range c.seen() {
		checkPackets(t, kind, packets)
	}
	pair, err := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair.Local.Protocol != webrtc.ICEProtocolTCP {
		t.Errorf("the path is %v, %v", pair, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.peer.media == nil {
		t.Error("media takes pion's way")
	}
}

// Media goes to where the viewer nominates another pair, in the middle of a
// session.
func TestMediaFollowsTheViewer(t *testing.T) {
	s := testServer(t, Config{})
	publishLive(t, s, "live/a")
	c := newClient(t)
	c.play(t, s, "live/a")
	c.wait(t, "media", func() bool { return len(c.packets[webrtc.RTPCodecTypeVideo]) > 0 })

	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.config.Transport.UDPAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	write := func(setters ...stun.Setter) {
		m, err := stun.Build(setters...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(m.Raw); err != nil {
			t.Fatal(err)
		}
	}
	ours, theirs := credentials(t, c.pc.LocalDescription().SDP), credentials(t, c.pc.RemoteDescription().SDP)
	write(stun.BindingRequest, stun.TransactionID, stun.NewUsername(theirs.ufrag+":"+ours.ufrag),
		ice.PriorityAttr(1<<31-1), ice.AttrControlling(1), ice.UseCandidate(),
		stun.NewShortTermIntegrity(theirs.pwd), stun.Fingerprint)
	for buf := make([]byte, 1500); ; {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("no media at the new address: %v", err)
		}
		m := &stun.Message{Raw: buf[:n]}
		switch {
		case stun.IsMessage(m.Raw):
			if err := m.Decode(); err != nil {
				t.Fatal(err)
			}
			if m.Type == stun.BindingRequest {
				write(m, stun.BindingSuccess, stun.NewShortTermIntegrity(ours.pwd), stun.Fingerprint)
			}
		case n > 500: // RTCP is shorter
			return
		}
	}
}

type login struct{ ufrag, pwd string }

// credentials returns those for ICE of a description.
func credentials(t *testing.T, description string) (l login) {
	t.Helper()
	for line := range strings.Lines(description) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ":"); key {
		case "a=ice-ufrag":
			l.ufrag = value
		case "a=ice-pwd":
			l.pwd = value
		}
	}
	return l
}
