package egress

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// A viewer is listed with its figures, can be ended by its ID, and is gone then.
func TestViewers(t *testing.T) {
	s := testServer(t, Config{})
	publishLive(t, s, "live/a")
	c := newClient(t)
	v := c.play(t, s, "live/a")
	c.wait(t, "sender reports", func() bool { return len(c.reports) == 2 })
	deadline := time.Now().Add(10 * time.Second)
	list := s.Viewers()
	for len(list) == 1 && list[0].Packets < 100 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond) // until a report says so
		list = s.Viewers()
	}
	if len(list) != 1 {
		t.Fatalf("%d viewers", len(list))
	}
	got := list[0]
	if got.ID != v.id || got.Stream != "live/a" || got.State != "connected" || got.Codec != "H.264" ||
		got.Packets < 100 || got.Bytes < got.Packets || got.Lost != 0 || got.Address == "" || time.Since(got.Since) > time.Minute {
		t.Errorf("the viewer is %+v", got)
	}
	if s.EndViewer("nobody") {
		t.Error("a viewer was ended that there is not")
	}
	if !s.EndViewer(v.id) {
		t.Fatal("the viewer was not found")
	}
	<-v.done
	if cause := context.Cause(v.Context()); !errors.Is(cause, ErrKicked) {
		t.Errorf("ended by %v", cause)
	}
	if list := s.Viewers(); len(list) != 0 {
		t.Errorf("still listed: %+v", list)
	}
}

// The round trip and the losses are those of RFC 3550 §6.4.1.
func TestVitals(t *testing.T) {
	var v vitals
	sent := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	report := func(count, octets uint32) {
		v.said([]rtcp.Packet{&rtcp.SenderReport{SSRC: 1, NTPTime: ntpTime(sent), PacketCount: count, OctetCount: octets}})
	}
	report(10, 1<<32-100)
	report(20, 50) // the counter wraps
	seen := uint32(ntpTime(sent) >> 16)
	v.heard(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{
		{SSRC: 1, LastSenderReport: seen, Delay: 65536 / 2, FractionLost: 64, TotalLost: 7},
		{SSRC: 99, TotalLost: 1000}, // whose would that be?
	}}, sent.Add(580*time.Millisecond))
	var got ViewerInfo
	v.fill(&got)
	want := ViewerInfo{Packets: 20, Bytes: 1<<32 + 50, Lost: 7, Loss: 0.25}
	rtt := got.RTT
	got.RTT = 0
	if got != want || rtt < 79.9 || rtt > 80.1 {
		t.Errorf("%+v, RTT %v ms, want %+v and 80 ms", got, rtt, want)
	}
	// A clock that was set back says nothing.
	v.heard(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 1, LastSenderReport: seen}}}, sent.Add(-time.Second))
	v.fill(&got)
	if got.RTT != rtt {
		t.Errorf("RTT %v ms, want it as before", got.RTT)
	}
}
