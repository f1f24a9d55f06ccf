package viewer

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Track is the record of one RTP stream.
type Track struct {
	kind    string
	clock   uint32 // Hz
	reports reports

	mu      sync.Mutex
	stats   Stats
	last    *rtp.Packet
	faults  []error
	keep    bool
	packets []Packet
}

// Packet is one packet as it came.
type Packet struct {
	*rtp.Packet
	Arrival time.Time
}

// Stats sums up a track.
type Stats struct {
	Packets, Frames int
	SSRC            uint32
	First, Last     time.Time // arrival of a packet

	// Since the last Mark.
	Lost    int           // packets that did not come
	Silence time.Duration // the longest time without a packet
	Step    time.Duration // the longest step from one frame's RTP time to the next
}

func newTrack(kind string, clock uint32) *Track { return &Track{kind: kind, clock: clock} }

// Stats returns the record so far.
func (t *Track) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	if !s.Last.IsZero() {
		s.Silence = max(s.Silence, time.Since(s.Last))
	}
	return s
}

// Mark begins a new interval of Lost, Silence and Step.
func (t *Track) Mark() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Lost, t.stats.Silence, t.stats.Step = 0, 0, 0
	if !t.stats.Last.IsZero() {
		t.stats.Last = time.Now()
	}
}

// Faults tells what broke RFC 3550: a changed SSRC, a sequence number that is
// not the next one, a timestamp that does not grow, a marker in the wrong
// place (RFC 6184 §5.1: it is set on the last packet of an access unit).
func (t *Track) Faults() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(t.faults...)
}

// Keep starts keeping the packets, for Packets.
func (t *Track) Keep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep = true
}

// Packets returns what has come since Keep, less a frame that is not whole at
// either end.
func (t *Track) Packets() []Packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.packets
	if t.clock != videoClock {
		return p
	}
	for len(p) > 0 && !p[len(p)-1].Marker {
		p = p[:len(p)-1]
	}
	for i := range p {
		if p[i].Marker { // of a frame that may have begun before Keep
			return p[i+1:]
		}
	}
	return nil
}

func (t *Track) read(remote *webrtc.TrackRemote) {
	for {
		p, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		t.record(p, time.Now())
	}
}

func (t *Track) record(p *rtp.Packet, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.stats.First, t.stats.SSRC = now, p.SSRC
	} else {
		t.compare(p)
		t.stats.Silence = max(t.stats.Silence, now.Sub(t.stats.Last))
	}
	t.stats.Packets++
	t.stats.Last = now
	if p.Marker || t.clock != videoClock {
		t.stats.Frames++
	}
	t.last = p
	if t.keep {
		t.packets = append(t.packets, Packet{p, now})
	}
}

// compare holds a packet against the one before it.
func (t *Track) compare(p *rtp.Packet) {
	if p.SSRC != t.last.SSRC {
		t.fault("SSRC changed from %d to %d", t.last.SSRC, p.SSRC)
	}
	if ahead := int16(p.SequenceNumber - t.last.SequenceNumber); ahead != 1 {
		t.fault("sequence number %d follows %d", p.SequenceNumber, t.last.SequenceNumber)
		t.stats.Lost += max(0, int(ahead)-1)
	}
	step := int32(p.Timestamp - t.last.Timestamp)
	t.stats.Step = max(t.stats.Step, time.Duration(step)*time.Second/time.Duration(t.clock))
	switch newFrame := t.clock != videoClock || t.last.Marker; {
	case newFrame && step <= 0:
		t.fault("timestamp steps by %d from %d, packet %d", step, t.last.Timestamp, p.SequenceNumber)
	case !newFrame && step != 0:
		t.fault("no marker on packet %d, the last of its frame", t.last.SequenceNumber)
	}
}

func (t *Track) fault(format string, args ...any) {
	const most = 10 // enough to see a pattern
	if len(t.faults) < most {
		t.faults = append(t.faults, fmt.Errorf(t.kind+" packet "+fmt.Sprint(t.stats.Packets)+": "+format, args...))
	}
}
