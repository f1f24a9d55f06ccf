package contribute

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
)

// annexB writes NAL units behind start codes.
func annexB(nalus [][]byte) (out []byte) {
	for _, n := range nalus {
		out = append(append(out, 0, 0, 0, 1), n...)
	}
	return out
}

// packets are those of access units at 30 a second.
func packets(units []*media.AccessUnit) (list [][]*rtp.Packet) {
	p := rtp.NewPacketizer(1200, 96, 7, &codecs.H264Payloader{}, rtp.NewFixedSequencer(65500), 90000)
	for _, au := range units {
		list = append(list, p.Packetize(annexB(au.NALUs), 3000))
	}
	return list
}

func newTestReceiver(t *testing.T, repairs bool) (*receiver, *mediatest.Recorder) {
	rec := mediatest.NewRecorder(t)
	p := &Publisher{
		codec: media.H264, repairs: repairs, clock: newClock(90000, 48000), writer: rec, needed: rec.KeyframeNeeded,
		series: metrics.New(prometheus.NewRegistry()).Contribution("live/a"),
	}
	return newVideoReceiver(p), rec
}

// link is a network in made time between packets and a receiver.
type link struct {
	receiver *receiver
	loss     float64
	delay    time.Duration
	deaf     bool // the publisher does not hear
	random   *rand.Rand

	now    time.Time
	sent   map[uint16]*rtp.Packet
	onWay  []arrival
	asked  int
	wanted []time.Duration // keyframes, after start
}

type arrival struct {
	at     time.Time
	packet *rtp.Packet
}

func (l *link) send(p *rtp.Packet) {
	l.sent[p.SequenceNumber] = p
	if l.random.Float64() >= l.loss {
		l.onWay = append(l.onWay, arrival{l.now.Add(l.delay), p})
	}
}

// run lets time pass.
func (l *link) run(t *testing.T, d time.Duration) {
	for end := l.now.Add(d); l.now.Before(end); l.now = l.now.Add(time.Millisecond) {
		var rest []arrival
		var here []*rtp.Packet
		for _, a := range l.onWay {
			if a.at.After(l.now) {
				rest = append(rest, a)
			} else {
				here = append(here, a.packet)
			}
		}
		l.onWay = rest
		for _, p := range append(here, nil) {
			if err := l.receiver.take(p, l.now); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range l.receiver.feedback(7, l.now) {
			switch f := f.(type) {
			case *rtcp.TransportLayerNack:
				for _, pair := range f.Nacks {
					for _, seq := range pair.PacketList() {
						l.asked++
						if p := l.sent[seq]; p != nil && !l.deaf {
							l.send(p) // at once: the delay is that of both ways
						}
					}
				}
			case *rtcp.PictureLossIndication:
				l.wanted = append(l.wanted, l.now.Sub(start))
			}
		}
	}
}

// stream sends access units through a link.
func (l *link) stream(t *testing.T, units []*media.AccessUnit) {
	l.begin()
	for _, f := range packets(units) {
		l.frame(t, f)
	}
	l.run(t, time.Second)
}

func (l *link) begin() {
	l.now, l.sent, l.random = start, map[uint16]*rtp.Packet{}, rand.New(rand.NewPCG(1, 2))
}

// frame sends the packets of a frame and lets its time pass.
func (l *link) frame(t *testing.T, packets []*rtp.Packet) {
	for _, p := range packets {
		l.send(p)
	}
	l.run(t, 33333*time.Microsecond)
}

// With requests heard, nothing is lost on a lossy link.
func TestLossIsRepaired(t *testing.T) {
	units := mediatest.Video(600, 120)
	r, rec := newTestReceiver(t, true)
	l := &link{receiver: r, loss: 0.05, delay: 30 * time.Millisecond}
	l.stream(t, units)
	got := rec.Video()
	if len(got) < len(units)-1 { // nothing tells of the last packet's loss
		t.Fatalf("%d access units came, want %d", len(got), len(units))
	}
	for i, au := range got {
		if !bytes.Equal(annexB(au.NALUs), annexB(units[i].NALUs)) {
			t.Fatalf("access unit %d is not what was sent", i)
		}
		if i > 0 {
			if step := au.PTS - got[i-1].PTS; (step - 33333333).Abs() > 2 {
				t.Errorf("access unit %d is %v after the one before", i, step)
			}
		}
	}
	if l.asked == 0 {
		t.Error("nothing was asked for")
	}
}

// Without repairs only access units that can be decoded come: none between a
// loss and the next IDR, which is asked for at once and then every second.
func TestLossWithoutRepair(t *testing.T) {
	for _, repairs := range []bool{true, false} {
		units := mediatest.Video(600, 90)
		r, rec := newTestReceiver(t, repairs)
		l := &link{receiver: r, loss: 0.003, delay: 30 * time.Millisecond, deaf: true}
		l.stream(t, units)
		got := rec.Video()
		if len(got) < 50 || len(got) == len(units) {
			t.Fatalf("%d access units came of %d", len(got), len(units))
		}
		at := -1 // in units, of the one before
		for i, au := range got {
			data := annexB(au.NALUs)
			next := at + 1
			for !bytes.Equal(data, annexB(units[next].NALUs)) {
				if next++; next == len(units) {
					t.Fatalf("access unit %d is none that was sent", i)
				}
			}
			if next != at+1 && !au.IDR {
				t.Errorf("%d is followed by %d, which is no IDR", at, next)
			}
			at = next
		}
		if lost := testutil.ToFloat64(r.lost); lost < 2 {
			t.Errorf("%v packets are counted as lost", lost)
		}
		for i, w := range l.wanted {
			if i > 0 && w-l.wanted[i-1] < keyframeAgain {
				t.Errorf("keyframes asked for at %v and %v", l.wanted[i-1], w)
			}
		}
		if len(l.wanted) < 5 {
			t.Errorf("keyframes were asked for %d times", len(l.wanted))
		}
	}
}

// A publisher that sends no keyframe by itself is asked for one.
func TestLongGOP(t *testing.T) {
	r, _ := newTestReceiver(t, true)
	l := &link{receiver: r}
	l.stream(t, mediatest.Video(360, 1000))
	if len(l.wanted) == 0 || l.wanted[0] < longestGOP || l.wanted[0] > longestGOP+10*time.Millisecond {
		t.Errorf("keyframes asked for at %v, want %v", l.wanted, longestGOP)
	}
}

// What a viewer needs is asked for at once, but at most once a second, and again
// if it does not come.
func TestViewersNeed(t *testing.T) {
	units := mediatest.Video(600, 90) // an IDR every 3 s
	r, rec := newTestReceiver(t, true)
	l := &link{receiver: r}
	l.begin()
	for i, frame := range packets(units) {
		if i == 40 || i == 50 || i == 110 || i == 130 {
			rec.NeedKeyframe()
		}
		l.frame(t, frame)
	}
	var at []float64
	for _, w := range l.wanted {
		at = append(at, math.Round(w.Seconds()*10)/10)
	}
	if want := []float64{1.4, 2.4, 3.7, 4.7, 5.7}; !slices.Equal(at, want) {
		t.Errorf("asked after %v s, want %v", at, want)
	}
}

// One that begins in the middle of a GOP is asked at once.
func TestNoKeyframe(t *testing.T) {
	r, rec := newTestReceiver(t, true)
	l := &link{receiver: r}
	l.stream(t, mediatest.VideoStream{Sequence: 1, GOP: 30}.AccessUnits(60))
	if len(l.wanted) == 0 || l.wanted[0] > time.Millisecond {
		t.Errorf("keyframes asked for at %v", l.wanted)
	}
	if got := rec.Video(); len(got) != 31 || !got[0].IDR {
		t.Errorf("%d access units came", len(got))
	}
}

// Opus goes through as it is; what is none is counted.
func TestAudio(t *testing.T) {
	rec := mediatest.NewRecorder(t)
	p := &Publisher{clock: newClock(90000, 48000), writer: rec, series: metrics.New(prometheus.NewRegistry()).Contribution("live/a")}
	r := newAudioReceiver(p)
	for i, f := range mediatest.Opus(50) {
		seq := uint16(i)
		if i >= 20 {
			seq++ // one is lost
		}
		packet := &rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: uint32(seq) * 960}, Payload: f.Data}
		if err := r.take(packet, start.Add(time.Duration(seq)*20*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	bad := &rtp.Packet{Header: rtp.Header{SequenceNumber: 51}, Payload: []byte{3}}
	for _, now := range []time.Duration{1020, 2000} {
		if err := r.take(bad, start.Add(now*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	got := rec.Audio()
	if len(got) != 50 || got[20].PTS-got[19].PTS != 40*time.Millisecond {
		t.Errorf("%d frames, 40 ms wanted around the lost one", len(got))
	}
	if n := testutil.ToFloat64(p.series.AudioCorrupt); n != 1 {
		t.Errorf("%v corrupt packets counted", n)
	}
	if n := testutil.ToFloat64(p.series.AudioLost); n != 1 {
		t.Errorf("%v lost packets counted", n)
	}
}
