package depacketize

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// FuzzClock makes a publisher with jumps, pauses and stalls out of a seed and
// checks what the clock promises: time never goes backwards, and audio and
// video stay together to the millisecond.
func FuzzClock(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, kinds uint8) {
		p := newPublisher(seed, kinds)
		p.publish(60_000)
		p.check(t)
	})
}

// publisher makes messages whose true time is known.
type publisher struct {
	rand    *rand.Rand
	stalls  bool // some trouble holds messages up, or drops them
	changes []change
	sent    []sent
}

// change is a jump of the timestamps at a true time, in ms.
type change struct {
	at     int64
	offset int64 // what they are ahead of the true time from here on
}

type sent struct {
	message
	true int64
	gen  int // how many changes it is behind
}

// newPublisher plans the changes: one each 5 s at least.
func newPublisher(seed uint64, kinds uint8) *publisher {
	p := &publisher{rand: rand.New(rand.NewPCG(seed, 0)), stalls: kinds&1 != 0}
	at, offset := int64(0), int64(p.rand.Uint32())
	p.changes = []change{{offset: offset}}
	for at < 50_000 && len(p.changes) < 6 {
		at += 5000 + p.rand.Int64N(5000)
		switch p.rand.IntN(4) {
		case 0: // forward, 4 s to 10 h
			offset += 4000 + p.rand.Int64N(36_000_000)
		case 1: // back, 1 s to 10 h
			offset -= 1000 + p.rand.Int64N(36_000_000)
		case 2: // reset to 0, at another time than 0
			offset = -at
		case 3: // a little back
			offset -= 1000
		}
		p.changes = append(p.changes, change{at, offset})
	}
	return p
}

// publish makes the messages of some ms, as a muxer would: a frame of video
// each 33 or 34 ms, of audio each 21 or 22 ms, audio at a constant distance.
func (p *publisher) publish(duration int64) {
	skew := p.rand.Int64N(200) - 100
	for i := range duration / 33 {
		p.send('v', i*100/3)
	}
	for i := range duration / 22 {
		p.send('a', i*64/3)
	}
	place := func(s sent) int64 {
		if s.kind == 'a' {
			return s.true + skew
		}
		return s.true
	}
	slices.SortStableFunc(p.sent, func(a, b sent) int { return int(place(a) - place(b)) })
	p.arrive()
}

func (p *publisher) send(kind byte, at int64) {
	gen := 0
	for i, c := range p.changes {
		if at >= c.at {
			gen = i
		}
	}
	s := sent{true: at, gen: gen}
	s.kind = kind
	s.timestamp = uint32(at + p.changes[gen].offset)
	p.sent = append(p.sent, s)
}

// arrive gives each message an arrival: 50 to 90 ms after its true time, and
// where there are stalls, now and then seconds later, with the rest of them.
func (p *publisher) arrive() {
	last, stalled := int64(0), int64(0)
	for i := range p.sent {
		m := &p.sent[i]
		if p.stalls && p.rand.IntN(500) == 0 {
			stalled = m.true + p.rand.Int64N(10_000)
		}
		last = max(last, stalled, m.true+50+p.rand.Int64N(40))
		m.arrival = last
	}
}

func (p *publisher) check(t *testing.T) {
	var c clock
	lastDTS := map[byte]time.Duration{'v': -clockStart, 'a': -clockStart}
	errs := map[byte]time.Duration{} // media time less true time
	count := 0                       // messages since the change
	for i, m := range p.sent {
		pts, dts := tell(&c, m.message)
		if dts <= lastDTS[m.kind] || pts < dts {
			t.Fatalf("message %d (%c %d): PTS %v DTS %v after %v", i, m.kind, m.timestamp, pts, dts, lastDTS[m.kind])
		}
		lastDTS[m.kind], errs[m.kind] = dts, dts-ms(m.true)
		if count++; i > 0 && p.sent[i-1].gen != m.gen {
			count = 0
		}
		// Messages of the old and the new timeline may come mixed for 200 ms,
		// and a track that was ahead stands still for that time.
		if off := errs['v'] - errs['a']; count > 100 && off.Abs() > 2*tick {
			t.Fatalf("message %d (%c %d): video is %v ahead of audio", i, m.kind, m.timestamp, off)
		}
	}
	// Each jump may cost a frame interval and the jitter of two arrivals.
	if off := errs['v'].Abs(); !p.stalls && off > time.Duration(len(p.changes))*130*time.Millisecond {
		t.Errorf("media time is off by %v after %d jumps", errs['v'], len(p.changes)-1)
	}
	if want := uint64(len(p.changes) - 1); !p.stalls && c.jumps != want {
		t.Errorf("%d jumps, want %d", c.jumps, want)
	}
}

// FuzzClockInput feeds the clock with anything.
func FuzzClockInput(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 10, 1, 255, 255, 255, 255, 200, 0, 128, 0, 0, 0, 10})
	f.Fuzz(func(t *testing.T, data []byte) {
		var c clock
		lastDTS := map[byte]time.Duration{'v': -clockStart, 'a': -clockStart}
		arrival := int64(0)
		for ; len(data) >= 6; data = data[6:] {
			m := message{kind: 'v', timestamp: uint32(data[1])<<24 | uint32(data[2])<<16 | uint32(data[3])<<8 | uint32(data[4])}
			if data[0]&1 == 1 {
				m.kind = 'a'
			}
			m.offset = int64(int8(data[0])) * maxCompositionOffset.Milliseconds() / 128
			arrival += int64(data[5]) * int64(data[5]) * int64(data[5])
			m.arrival = arrival
			pts, dts := tell(&c, m)
			if dts <= lastDTS[m.kind] || pts < dts {
				t.Fatalf("%+v: PTS %v DTS %v after %v", m, pts, dts, lastDTS[m.kind])
			}
			lastDTS[m.kind] = dts
		}
	})
}
