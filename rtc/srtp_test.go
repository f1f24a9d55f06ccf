package rtc

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

var profiles = []srtp.ProtectionProfile{
	srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAeadAes256Gcm,
	srtp.ProtectionProfileAes128CmHmacSha1_80,
}

// newTestSealer returns a sealer and pion's opposite of it.
func newTestSealer(t testing.TB, profile srtp.ProtectionProfile) (sealer, *srtp.Context) {
	t.Helper()
	keys, opposite := testKeys(t, profile)
	s, err := newSealer(profile, keys)
	if err != nil {
		t.Fatal(err)
	}
	return s, opposite
}

// testKeys returns the same keys for both directions, and pion's end of them.
func testKeys(t testing.TB, profile srtp.ProtectionProfile) (srtp.SessionKeys, *srtp.Context) {
	t.Helper()
	keyLen, err := profile.KeyLen()
	if err != nil {
		t.Fatal(err)
	}
	saltLen, err := profile.SaltLen()
	if err != nil {
		t.Fatal(err)
	}
	key, salt := bytes.Repeat([]byte{0xa5}, keyLen), bytes.Repeat([]byte{0x3c}, saltLen)
	opposite, err := srtp.CreateContext(key, salt, profile)
	if err != nil {
		t.Fatal(err)
	}
	return srtp.SessionKeys{LocalMasterKey: key, LocalMasterSalt: salt, RemoteMasterKey: key, RemoteMasterSalt: salt}, opposite
}

// exchange seals a packet and opens it again.
func exchange(s sealer, receiver *srtp.Context, h *rtp.Header, payload []byte) error {
	size := h.MarshalSize() + len(payload) + s.overhead()
	room := bytes.Repeat([]byte{0xff}, size) // what was there before does not matter
	n, err := s.seal(room, h, payload)
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("%d bytes, want %d", n, size)
	}
	plain, err := receiver.DecryptRTP(nil, room, nil)
	if err != nil {
		return fmt.Errorf("sequence number %d: %w", h.SequenceNumber, err)
	}
	want, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	if err != nil {
		return err
	}
	if !bytes.Equal(plain, want) {
		return fmt.Errorf("sequence number %d: opened as %x, want %x", h.SequenceNumber, plain, want)
	}
	return nil
}

// What is sealed can be opened by a receiver that is not ours, whatever the
// packet looks like.
func TestSealedPackets(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			s, receiver := newTestSealer(t, profile)
			h := rtp.Header{Version: 2, PayloadType: 96, SSRC: 0x80123456, Timestamp: 1 << 31}
			for _, extension := range [][]byte{nil, {1, 2}, {1, 2, 3, 4, 5}} {
				h.Extension, h.Extensions = false, nil
				if extension != nil {
					if err := h.SetExtension(3, extension); err != nil {
						t.Fatal(err)
					}
				}
				for size := range 1300 {
					h.SequenceNumber++
					h.Marker = !h.Marker
					if err := exchange(s, receiver, &h, bytes.Repeat([]byte{byte(size)}, size)); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// The rollover counter goes on by itself, for each stream apart, and a packet
// that is sent again has the one that it had.
func TestRollover(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			s, receiver := newTestSealer(t, profile)
			video := rtp.Header{Version: 2, PayloadType: 96, SSRC: 1, SequenceNumber: 65_000}
			rtx := rtp.Header{Version: 2, PayloadType: 97, SSRC: 2, SequenceNumber: 7}
			payload := []byte("a packet")
			for i := range 3 << 16 {
				if err := exchange(s, receiver, &video, payload); err != nil {
					t.Fatal(err)
				}
				if i%16 == 0 { // it comes round much later
					if err := exchange(s, receiver, &rtx, payload); err != nil {
						t.Fatal(err)
					}
					rtx.SequenceNumber++
				}
				if i%100 == 99 {
					again := video
					again.SequenceNumber -= 50
					if err := exchange(s, receiver, &again, payload); err != nil {
						t.Fatal(err)
					}
				}
				video.SequenceNumber++
			}
		})
	}
}

// RTCP is sealed so that a receiver who takes no index twice opens it.
func TestSealedRTCP(t *testing.T) {
	report := &rtcp.SenderReport{SSRC: 0x80123456, NTPTime: 1 << 63, PacketCount: 7}
	packets := [][]rtcp.Packet{
		{report, rtcp.NewCNAMESourceDescription(report.SSRC, "sluice")},
		{&rtcp.SenderReport{SSRC: 1}},
		{&rtcp.ReceiverReport{SSRC: 1}}, // nothing but a header
	}
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			s, receiver := newTestSealer(t, profile)
			seen := make(map[string]bool)
			for range 100 {
				for _, p := range packets {
					plain, err := rtcp.Marshal(p)
					if err != nil {
						t.Fatal(err)
					}
					room := make([]byte, len(plain)+rtcpGrows)
					n, err := s.sealRTCP(room, plain)
					if err != nil {
						t.Fatal(err)
					}
					opened, err := receiver.DecryptRTCP(nil, room[:n], nil)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(opened, plain) {
						t.Errorf("opened as %x, want %x", opened, plain)
					}
					if seen[string(room[:n])] {
						t.Error("sealed twice with one index")
					}
					seen[string(room[:n])] = true
				}
			}
			if _, err := s.sealRTCP(make([]byte, 100), []byte{0x80, 200, 0, 0}); err == nil {
				t.Error("sealed less than a header")
			}
		})
	}
}

// No two packets of a session have one nonce.
func TestNonces(t *testing.T) {
	s, _ := newTestSealer(t, srtp.ProtectionProfileAeadAes128Gcm)
	g := s.(*gcm)
	seen := make(map[[gcmNonce]byte]bool)
	room := make([]byte, 100)
	for _, ssrc := range []uint32{1, 2, 1 << 31} {
		h := rtp.Header{Version: 2, SSRC: ssrc, SequenceNumber: 65_500}
		for range 1<<16 + 100 {
			if _, err := g.seal(room, &h, nil); err != nil {
				t.Fatal(err)
			}
			if seen[g.nonce] {
				t.Fatalf("SSRC %d, sequence number %d: nonce used again", ssrc, h.SequenceNumber)
			}
			seen[g.nonce] = true
			h.SequenceNumber++
		}
	}
}

// A packet that is written costs no allocation, and arrives.
func TestMedia(t *testing.T) {
	b, receiver, to := newTestBatch(t)
	s, opener := newTestSealer(t, srtp.ProtectionProfileAeadAes128Gcm)
	m := &Media{sealer: s, route: &route{}}
	m.route.current.Store(&destination{addr: to})
	h, payload := &rtp.Header{Version: 2, PayloadType: 96, SSRC: 1}, make([]byte, 1150)
	write := func() {
		if !m.Begin(b) {
			t.Fatal("no path")
		}
		defer b.Flush()
		defer m.End()
		for range 5 {
			h.SequenceNumber++
			if _, err := m.WriteRTP(h, payload); err != nil {
				t.Fatal(err)
			}
		}
	}
	write()
	for _, p := range receive(t, receiver, 5) {
		if _, err := opener.DecryptRTP(nil, p, nil); err != nil {
			t.Error(err)
		}
	}
	if n := testing.AllocsPerRun(100, write); n != 0 {
		t.Errorf("%v allocations for 5 packets", n)
	}
	if _, err := m.WriteRTP(h, payload); !errors.Is(err, errNotBegun) {
		t.Errorf("written after End: %v", err)
	}
	if _, err := m.WriteRTCP(payload); !errors.Is(err, errNotBegun) {
		t.Errorf("RTCP written after End: %v", err)
	}
	if _, err := m.WriteRTP(h, make([]byte, segmentsBytes)); err == nil {
		t.Error("wrote what is larger than a datagram")
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, profile := range profiles {
		b.Run(profile.String(), func(b *testing.B) {
			s, _ := newTestSealer(b, profile)
			h := &rtp.Header{Version: 2, PayloadType: 96, SSRC: 1}
			room, payload := make([]byte, 1200), make([]byte, 1150)
			b.ReportAllocs()
			for b.Loop() {
				h.SequenceNumber++
				if _, err := s.seal(room, h, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
