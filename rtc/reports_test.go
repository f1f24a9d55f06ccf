package rtc

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// What a peer reports is heard past pion, over UDP and TCP, until the end.
func TestReportsArePassedOn(t *testing.T) {
	for _, network := range []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4} {
		t.Run(network.String(), func(t *testing.T) {
			tr := listenLoopback(t, Config{})
			peer, client := connectBoth(t, tr, network)
			heard := make(chan []byte, 10)
			if _, err := peer.OpenMedia(func(compound []byte) { heard <- bytes.Clone(compound) }); err != nil {
				t.Fatal(err)
			}
			want := []rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: 7, MediaSSRC: 8}}
			if err := client.WriteRTCP(want); err != nil {
				t.Fatal(err)
			}
			select {
			case compound := <-heard:
				if b, _ := rtcp.Marshal(want); !bytes.Equal(compound, b) {
					t.Errorf("heard %x, want %x", compound, b)
				}
			case <-time.After(patience):
				t.Fatal("nothing was heard")
			}
			if err := peer.Close(); err != nil {
				t.Fatal(err)
			}
			if n := len(tr.mux.conn.reporters.at); n != 0 {
				t.Errorf("%d peers are expected to report after the end", n)
			}
		})
	}
}

// newTestReports returns reports and the end of who makes them.
func newTestReports(t *testing.T, profile srtp.ProtectionProfile, tell func([]byte)) (*reports, *srtp.Context) {
	t.Helper()
	keys, peer := testKeys(t, profile)
	r, err := newReports(profile, keys, tell)
	if err != nil {
		t.Fatal(err)
	}
	return r, peer
}

// sealed returns a report of an SSRC.
func sealed(t *testing.T, peer *srtp.Context, ssrc uint32) []byte {
	t.Helper()
	plain, err := (&rtcp.PictureLossIndication{SenderSSRC: ssrc}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	packet, err := peer.EncryptRTCP(nil, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// A packet counts once, if it is the peer's own, and no peer can make us keep a
// replay list for each of four thousand million SSRCs.
func TestReportsAreThePeers(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			told := 0
			r, peer := newTestReports(t, profile, func([]byte) { told++ })
			good := sealed(t, peer, 1)
			forged := bytes.Clone(sealed(t, peer, 2))
			forged[len(forged)-6] ^= 1
			for _, c := range []struct {
				what   string
				packet []byte
				told   int
			}{
				{"a good packet", good, 1},
				{"the same once more", good, 1},
				{"a forged one", forged, 1},
				{"a short one", good[:7], 1},
				{"one without a tag", good[:12], 1},
				{"another good one", sealed(t, peer, 1), 2},
			} {
				if r.take(c.packet); told != c.told {
					t.Errorf("after %s %d were told, want %d", c.what, told, c.told)
				}
			}
			for ssrc := range uint32(100) {
				r.take(sealed(t, peer, 100+ssrc))
			}
			if want := 2 + maxReporters - 1; told != want || len(r.known) != maxReporters {
				t.Errorf("%d told of %d SSRCs, want %d and %d", told, len(r.known), want, maxReporters)
			}
			r.end()
			before := told
			if r.take(sealed(t, peer, 1)); told != before {
				t.Error("a packet was told after the end")
			}
		})
	}
}

// Reports find a peer at the address that is its own now, and no other's.
func TestReportersMove(t *testing.T) {
	told := map[string]int{}
	profile := srtp.ProtectionProfileAeadAes128Gcm
	a, fromA := newTestReports(t, profile, func([]byte) { told["a"]++ })
	b, _ := newTestReports(t, profile, func([]byte) { told["b"]++ })
	home, road := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("192.0.2.2:2000")
	mapped := netip.MustParseAddrPort("[::ffff:192.0.2.2]:2000")
	all := newReporters()
	all.move(a, netip.AddrPort{}, home)
	all.move(a, home, road)
	all.move(b, netip.AddrPort{}, home)
	all.move(a, home, netip.AddrPort{}) // late: it is b's now
	if all.at[home] != b {
		t.Fatal("who came to an address that had been another's is not known there")
	}
	if !all.take(sealed(t, fromA, 1), mapped) || told["a"] != 1 {
		t.Errorf("told %v", told)
	}
	if all.take(packet(100, 0), road) {
		t.Error("RTP was taken for a report")
	}
	if all.take(sealed(t, fromA, 1), netip.MustParseAddrPort("192.0.2.3:1")) {
		t.Error("a stranger's report was taken")
	}
}
