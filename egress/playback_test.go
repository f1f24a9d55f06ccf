package egress

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

// wire keeps the packets that a track wrote.
type wire struct {
	headers  []rtp.Header
	payloads [][]byte
}

func (w *wire) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	w.headers, w.payloads = append(w.headers, h.Clone()), append(w.payloads, slices.Clone(payload))
	return len(payload), nil
}

func (w *wire) Write([]byte) (int, error) { panic("not used") }

// take returns and forgets what was written.
func (w *wire) take() []rtp.Header {
	h := w.headers
	w.headers, w.payloads = nil, nil
	return h
}

// scene is a stream, a viewer of it and the time, all by hand. The stream has
// 30 frames a second of two packets.
type scene struct {
	t     *testing.T
	hub   *Hub
	play  *playback
	wire  *wire
	now   time.Time
	index int
	gop   int

	drift    float64 // how much slower the publisher's clock is
	encoding Encoding
	skipped  func(index int) bool // nil: none is
	payloads func(index int, idr bool) [][]byte
}

const frameTime = time.Second / 30

func newScene(t *testing.T, gop, published int) *scene {
	t.Helper()
	m := metrics.New(prometheus.NewRegistry())
	e := m.Egress("live/x")
	h := newHub("live/x", time.Minute, e, slog.New(slog.DiscardHandler), func() {})
	s := &scene{t: t, hub: h, wire: &wire{}, now: time.Now(), gop: gop}
	h.clock = newClock(s.now)
	for range published {
		s.publish()
	}
	vm := newViewerMetrics(e, m.Signal())
	track := newTrack(webrtc.RTPCodecTypeVideo, videoClock)
	track.writer, track.header.SSRC, track.rtx.SSRC, track.ccID = s.wire, 1, 2, 3
	v := &Viewer{
		source: h, backlog: newBacklog(vm.drop, func() {}), clock: h.clock, peer: &peer{Peer: &rtc.Peer{}, video: track},
		metrics: vm, joined: s.now,
	}
	h.Subscribe(v.backlog)
	s.play = newPlayback(v, s.now)
	return s
}

// publish writes one frame and lets its time pass.
func (s *scene) publish() {
	pts := time.Duration(s.index) * frameTime
	f := &Frame{
		Kind: Video, IDR: s.index%s.gop == 0, PTS: pts, Arrival: s.now,
		Payloads: [][]byte{make([]byte, 1000), make([]byte, 1000)}, Size: 2000,
	}
	if s.payloads != nil {
		f.Payloads = s.payloads(s.index, f.IDR)
	}
	f.Encoding, f.Skipped = s.encoding, s.skipped != nil && s.skipped(s.index)
	s.index++
	h := s.hub
	h.mu.Lock()
	h.index++
	f.Index = h.index
	h.clock.observe(pts, s.now)
	h.gop.add(f)
	h.deliver(f)
	h.mu.Unlock()
	s.now = s.now.Add(time.Duration(float64(frameTime) * (1 + s.drift)))
}

// run lets time pass: frames are published and sent at their pace. It returns
// the packets that were sent.
func (s *scene) run(d time.Duration) []rtp.Header {
	s.t.Helper()
	s.wire.take()
	for end, next := s.now.Add(d), s.now; s.now.Before(end); {
		if !s.now.Before(next) {
			at := s.now
			s.now = next
			s.publish()
			next, s.now = s.now, at
		}
		for s.play.step(s.now, &ledger{}) == 0 {
			continue
		}
		s.now = s.now.Add(time.Millisecond)
	}
	return s.wire.take()
}

func (s *scene) counter(c prometheus.Counter) int { return int(testutil.ToFloat64(c)) }

// frames returns the timestamps of the frames among packets, and checks the
// sequence numbers.
func (s *scene) frames(packets []rtp.Header) (ts []uint32) {
	s.t.Helper()
	for i, h := range packets {
		if i > 0 && h.SequenceNumber != packets[i-1].SequenceNumber+1 {
			s.t.Fatalf("packet %d: sequence number %d after %d", i, h.SequenceNumber, packets[i-1].SequenceNumber)
		}
		if h.Marker {
			ts = append(ts, h.Timestamp)
		}
	}
	for i := range ts {
		if i > 0 && int32(ts[i]-ts[i-1]) <= 0 {
			s.t.Fatalf("frame %d: timestamp %d after %d", i, ts[i], ts[i-1])
		}
	}
	return ts
}

// lag returns how far the last timestamp is behind the live clock.
func (s *scene) lag(ts []uint32) time.Duration {
	now := s.play.track.timestamp(s.hub.clock.at(s.now))
	return time.Duration(int32(now-ts[len(ts)-1])) * time.Second / videoClock
}

// A viewer that joins in the middle of a long GOP has all its frames at once,
// and is live soon, at live latency.
func TestJoinReplaysTheGOP(t *testing.T) {
	s := newScene(t, 240, 240+120)
	first := s.run(30 * time.Millisecond)
	if len(first) == 0 || !first[1].Marker {
		t.Fatal("no picture after 30 ms")
	}
	if !first[0].Extension {
		t.Error("a replay without transport-wide feedback")
	}
	packets := append(first, s.run(1500*time.Millisecond)...)
	ts := s.frames(packets)
	if want := 120 + 46; len(ts) < want-1 || len(ts) > want+1 {
		t.Errorf("%d frames, want the 120 cached and the 46 that came since", len(ts))
	}
	if lag := s.lag(ts); lag > 3*frameTime {
		t.Errorf("%v behind", lag)
	}
	if packets[len(packets)-1].Extension {
		t.Error("live packets ask for feedback")
	}
	if live, _ := s.play.backlog.state(); live != 2 || s.play.pacer != nil {
		t.Error("not live")
	}
	if n := s.counter(s.play.metrics.replays[causeJoin]); n != 1 {
		t.Errorf("%d replays", n)
	}
}

// The replay never runs faster than decoders do.
func TestReplayIsPaced(t *testing.T) {
	s := newScene(t, 340, 300)
	perSecond := len(s.frames(s.run(time.Second)))
	if most := int(paceFramesMost*defaultFPS) + 3; perSecond > most || perSecond < 100 {
		t.Errorf("%d frames in the first second, want at most %d", perSecond, most)
	}
}

// The next IDR ends a replay.
func TestReplayEndsAtTheNextIDR(t *testing.T) {
	s := newScene(t, 300, 300+285) // half a second before it
	packets := s.run(time.Second)
	s.frames(packets)
	if n := s.counter(s.play.metrics.dropped[DropSuperseded]); n == 0 {
		t.Error("all frames were replayed")
	}
	if live, _ := s.play.backlog.state(); live != 2 {
		t.Error("not live")
	}
}

func TestJoinWaits(t *testing.T) {
	cases := []struct {
		name           string
		gop, published int
		waits          bool
		reason         string
		poster         bool
	}{
		{"as configured", 60, 90, true, waitConfigured, false},
		{"for the first IDR", 60, 0, false, waitNoIDR, false},
		{"for an IDR that is about to come", 60, 178, false, waitSoon, true},
		{"because the GOP is too long", 1000, 700, false, waitLongGOP, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, c.gop, c.published)
			s.play.waits = c.waits
			s.play.step(s.now, &ledger{})
			if n := s.counter(s.play.metrics.waits[c.reason]); n != 1 {
				t.Errorf("%d waits for %s", n, c.reason)
			}
			if s.hub.keyframeNeeded == (c.reason == waitSoon) {
				t.Errorf("an IDR is needed: %t", s.hub.keyframeNeeded)
			}
			if posted := len(s.wire.headers) > 0; posted != c.poster {
				t.Errorf("an IDR at once: %t", posted)
			}
			if c.gop > 100 {
				return
			}
			if ts := s.frames(s.run(2500 * time.Millisecond)); s.lag(ts) > 3*frameTime {
				t.Errorf("%v behind after the IDR", s.lag(ts))
			}
		})
	}
}

func nackOf(seqs ...uint16) *rtcp.TransportLayerNack {
	return &rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}
}

func TestRetransmission(t *testing.T) {
	s := newScene(t, 60, 0)
	packets := s.run(time.Second)
	lost := packets[10]
	s.play.feedback(nackOf(lost.SequenceNumber), s.now)
	if len(s.wire.headers) != 1 {
		t.Fatalf("%d packets repeated", len(s.wire.headers))
	}
	payload := s.wire.payloads[0]
	h := s.wire.take()[0]
	if h.SSRC != 2 || h.Timestamp != lost.Timestamp || h.Marker != lost.Marker || h.Extension {
		t.Errorf("repeated as %+v, was %+v", h, lost)
	}
	if osn := uint16(payload[0])<<8 | uint16(payload[1]); osn != lost.SequenceNumber || len(payload) != 1002 {
		t.Errorf("%d bytes for sequence number %d, want 1002 for %d", len(payload), osn, lost.SequenceNumber)
	}

	s.play.feedback(nackOf(lost.SequenceNumber), s.now.Add(5*time.Millisecond))
	if len(s.wire.take()) != 0 {
		t.Error("repeated twice within a round trip")
	}
	s.play.track.rtx.SSRC = 0 // not negotiated
	s.play.feedback(nackOf(lost.SequenceNumber), s.now.Add(50*time.Millisecond))
	if again := s.wire.take(); len(again) != 1 || again[0].SequenceNumber != lost.SequenceNumber || again[0].SSRC != 1 {
		t.Errorf("without RTX: %+v", again)
	}
}

// A repetition is followed by a copy, because the next one would be asked for too
// late; but not by one of each packet that a dead line took.
func TestCopies(t *testing.T) {
	for _, c := range []struct{ lost, copies int }{{1, 1}, {30, copyMost}} {
		s := newScene(t, 60, 0)
		packets := s.run(time.Second)
		var lost []uint16
		for _, h := range packets[10 : 10+c.lost] {
			lost = append(lost, h.SequenceNumber)
		}
		s.play.feedback(nackOf(lost...), s.now)
		s.play.copy(s.now)
		if n := len(s.wire.take()); n != c.lost {
			t.Fatalf("%d packets for %d lost ones at once", n, c.lost)
		}
		for range 2 {
			s.now = s.now.Add(copyPause)
			s.play.copy(s.now)
		}
		copies := s.wire.payloads
		if len(copies) != c.copies {
			t.Errorf("%d copies of %d packets, want %d", len(copies), c.lost, c.copies)
		}
		for i, payload := range copies {
			if osn := uint16(payload[0])<<8 | uint16(payload[1]); osn != lost[i] {
				t.Errorf("a copy of %d, want %d", osn, lost[i])
			}
		}
	}
}

// A loss that cannot be repaired leads to a replay at once, one that is
// repaired does not.
func TestRecovery(t *testing.T) {
	const early = 3 * time.Second // past the pause after the join
	unrepairable := map[string]func(s *scene, seen []rtp.Header){
		causeNACK: func(s *scene, seen []rtp.Header) { s.play.feedback(nackOf(seen[0].SequenceNumber-5), s.now) },
		causeRequest: func(s *scene, _ []rtp.Header) {
			s.play.feedback(&rtcp.PictureLossIndication{MediaSSRC: 1}, s.now)
		},
		causeOverflow: func(s *scene, _ []rtp.Header) {
			for range backlogLive + 1 {
				s.publish()
			}
		},
	}
	for cause, lose := range unrepairable {
		t.Run(cause, func(t *testing.T) {
			s := newScene(t, 480, 30)
			seen := s.run(early)
			if s.hub.keyframeNeeded {
				t.Error("an IDR is needed after a join from the cache")
			}
			lose(s, seen)
			ts := s.frames(s.run(time.Second))
			if n := s.counter(s.play.metrics.replays[cause]); n != 1 {
				t.Fatalf("%d replays for %s", n, cause)
			}
			if lost := cause != causeOverflow; s.hub.keyframeNeeded != lost {
				t.Errorf("an IDR is needed: %t", s.hub.keyframeNeeded)
			}
			if len(ts) < 120 || s.lag(ts) > 3*frameTime {
				t.Errorf("%d frames, %v behind", len(ts), s.lag(ts))
			}
		})
	}
}

// PLIs come every 200 ms until an IDR was decoded; they must not start a replay
// each.
func TestRequestStorm(t *testing.T) {
	s := newScene(t, 1000, 30)
	s.run(3 * time.Second)
	for range 100 {
		s.play.feedback(&rtcp.PictureLossIndication{MediaSSRC: 1}, s.now)
		s.run(20 * time.Millisecond)
	}
	if n := s.counter(s.play.metrics.replays[causeRequest]); n < 1 || n > 3 {
		t.Errorf("%d replays in two seconds of requests", n)
	}
	s.run(20 * time.Second)
	if n := s.counter(s.play.metrics.waits[waitUndecoded]); n > 1 {
		t.Errorf("%d times given up", n)
	}
}

// A receiver that missed the beginning of its replay asks at once, and gets it
// again.
func TestStartRace(t *testing.T) {
	s := newScene(t, 300, 150)
	s.run(10 * time.Millisecond)
	s.play.feedback(&rtcp.PictureLossIndication{MediaSSRC: 1}, s.now)
	if n := s.counter(s.play.metrics.replays[causeJoin]); n != 1 {
		t.Fatal("a request that crossed the IDR started another replay")
	}
	s.run(200 * time.Millisecond)
	s.play.feedback(&rtcp.PictureLossIndication{MediaSSRC: 1}, s.now)
	if n := s.counter(s.play.metrics.replays[causeJoin]); n != 2 {
		t.Error("no second replay")
	}
	if s.play.pacer == nil || s.play.pacer.interval > frameTime/4 {
		t.Error("the second replay is slower than the first")
	}
}

// On a link that is hardly faster than the stream, waiting is better.
func TestSlowLink(t *testing.T) {
	s := newScene(t, 240, 240+60)
	s.run(100 * time.Millisecond)
	s.play.pacer.report(50*time.Millisecond, 200*time.Millisecond, 0, 500_000)
	s.play.giveUp(s.now)
	if n := s.counter(s.play.metrics.waits[waitSlowLink]); n != 1 {
		t.Fatal("not given up")
	}
	if n := len(s.run(time.Second)); n != 0 {
		t.Errorf("%d packets while waiting", n)
	}
	if ts := s.frames(s.run(6 * time.Second)); len(ts) == 0 || s.lag(ts) > 3*frameTime {
		t.Errorf("%d frames, %v behind", len(ts), s.lag(ts))
	}
}

func TestReceiverReport(t *testing.T) {
	s := newScene(t, 60, 0)
	packets := s.run(time.Second)
	middle := func(t time.Time) uint32 { return uint32(ntpTime(t) >> 16) }
	s.play.feedback(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{
		SSRC: 1, LastSequenceNumber: uint32(packets[20].SequenceNumber),
		LastSenderReport: middle(s.now.Add(-time.Second)), Delay: 65536 * 920 / 1000,
	}}}, s.now)
	if d := s.play.rtt - 80*time.Millisecond; d.Abs() > time.Millisecond {
		t.Errorf("round trip %v", s.play.rtt)
	}
	if !s.play.firstIDR.there {
		t.Error("the IDR was not seen to be acknowledged")
	}
}

func TestHistory(t *testing.T) {
	f := &Frame{Payloads: make([][]byte, 3)}
	now := time.Now()
	for _, start := range []uint16{0, 1000, 65000} {
		var h history
		seq := start
		for range 3 * historyFrames {
			h.add(sentFrame{frame: f, at: now, first: seq, timestamp: uint32(seq)})
			seq += 3
		}
		for back := uint16(1); back <= 3*historyFrames; back++ {
			s, packet, ok := h.find(seq - back)
			if !ok || s.first+uint16(packet) != seq-back {
				t.Fatalf("start %d: %d back: %v, %d, %t", start, back, s.first, packet, ok)
			}
		}
		for _, seq := range []uint16{seq, seq + 100, seq - 3*historyFrames - 1} {
			if _, _, ok := h.find(seq); ok {
				t.Errorf("start %d: found %d, which was not sent", start, seq)
			}
		}
	}
	var h history
	if _, _, ok := h.find(7); ok {
		t.Error("found a packet in an empty history")
	}
	for i := range uint16(1000) { // 33 s
		h.add(sentFrame{frame: f, at: now.Add(time.Duration(i) * frameTime), first: 3 * i})
	}
	if _, _, ok := h.find(3 * 999); !ok {
		t.Error("did not find the newest packet")
	}
	if _, _, ok := h.find(3 * 900); ok || len(h.frames) > 200 {
		t.Errorf("%d frames of 33 s are kept", len(h.frames))
	}
}

func TestRepairs(t *testing.T) {
	r, now := repairs{}, time.Now()
	at := func(ms int, want verdict) {
		t.Helper()
		if got := r.ask(7, now.Add(time.Duration(ms)*time.Millisecond), 80*time.Millisecond); got != want {
			t.Errorf("after %d ms: %d, want %d", ms, got, want)
		}
	}
	at(0, repeat)
	at(40, ignore)
	at(80, repeat)
	at(160, repeat)
	at(240, repeat)
	at(290, ignore)
	at(300, giveUp)
	for seq := range uint16(5000) {
		r.ask(seq, now, 0)
	}
	if len(r) > repairPackets {
		t.Errorf("remembers %d packets", len(r))
	}
}

func TestTWCC(t *testing.T) {
	var cc twcc
	start := time.Unix(1_700_000_000, 0)
	const n = 40
	report := &rtcp.TransportLayerCC{BaseSequenceNumber: 0, PacketStatusCount: n, ReferenceTime: 100}
	for i := range n {
		cc.stamp(1250, start.Add(time.Duration(i)*time.Millisecond)) // 10 Mbit/s
		symbol := rtcp.TypeTCCPacketReceivedSmallDelta
		if i%10 == 9 {
			symbol = rtcp.TypeTCCPacketNotReceived
		} else {
			delta := int64(2000) // half as fast as sent
			if i%10 == 0 && i > 0 {
				delta = 4000
			}
			report.RecvDeltas = append(report.RecvDeltas, &rtcp.RecvDelta{Delta: delta})
		}
		report.PacketChunks = append(report.PacketChunks, &rtcp.RunLengthChunk{PacketStatusSymbol: symbol, RunLength: 1})
	}
	s, ok := cc.read(report)
	if !ok || s.loss != 0.1 {
		t.Fatalf("%+v, %t", s, ok)
	}
	if s.queueing != 38*time.Millisecond || s.span != 76*time.Millisecond {
		t.Errorf("%+v", s)
	}
	if s.delivered < 4.4e6 || s.delivered > 5.1e6 {
		t.Errorf("delivered %.0f bit/s", s.delivered)
	}
	if _, ok := cc.read(&rtcp.TransportLayerCC{BaseSequenceNumber: 1000, PacketStatusCount: 3}); ok {
		t.Error("took a report about nothing")
	}
}

func TestPacer(t *testing.T) {
	now := time.Now()
	r := Replay{Bitrate: 2_500_000, FrameRate: 30, Pixels: 1280 * 720}
	if p := newPacer(r, 1, now); p.interval != time.Second/240 || p.rate != 8_000_000 {
		t.Errorf("720p30: %+v", p)
	}
	r.Pixels, r.FrameRate, r.Bitrate = 3840*2160, 60, 20_000_000
	if p := newPacer(r, 1, now); p.interval != time.Second/120 || p.rate != 60_000_000 {
		t.Errorf("2160p60: %+v", p)
	}
	p := newPacer(Replay{}, 1, now)
	ok := func(p *pacer) { p.report(50*time.Millisecond, 0, 0, 8e6) }
	ok(p)
	ok(p)
	if p.rate != 32e6 {
		t.Errorf("slow start reached %.0f", p.rate)
	}
	p.report(50*time.Millisecond, 30*time.Millisecond, 0, 8e6)
	p.report(time.Millisecond, 0, 0, 8e6)
	if p.rate != 32e6 {
		t.Errorf("not held: %.0f", p.rate)
	}
	p.report(50*time.Millisecond, 0, 0.1, 10e6)
	if p.rate != 8e6 || !p.congested {
		t.Errorf("not cut: %+v", p)
	}
	ok(p)
	if p.rate != 8.8e6 {
		t.Errorf("raised to %.0f after a cut", p.rate)
	}
	for range 100 {
		p.cut(1000)
	}
	if p.rate != defaultRate || !p.hopeless(1, time.Second) {
		t.Errorf("never below the stream's rate: %.0f", p.rate)
	}
}
