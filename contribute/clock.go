package contribute

import (
	"sync"
	"time"
)

const (
	// clockStart is where the media clock begins: high enough that no time is
	// ever negative.
	clockStart = 15 * time.Second
	// jumpLimit is how far RTP time may be off the time that passed before it
	// counts as a jump: more than any network delays.
	jumpLimit = 3 * time.Second
	// tick is the least advance from one frame to the next: one of RTP's 90 kHz
	// video clock, rounded up.
	tick = time.Second/90000 + 1
	// slew is how much of the time from one frame to the next may go into
	// bringing the picture to the sound. Of pictures that overtake each other it is
	// so little that their order of showing stays.
	slew, slewReordered = 4, 4 * maxReorder
	// skewLimit is the largest distance that sender reports may put between
	// the tracks; clocks that say more are wrong.
	skewLimit = 5 * time.Second
)

// clock maps the RTP time of a publisher's tracks to one media clock. Until
// sender reports tell how the tracks relate (RFC 3550 §6.4.1), the quickest
// frames of each do: what waited in a queue says nothing. The video's frames are
// moved, little by little, to where they belong. The audio's never are: that would
// be heard.
type clock struct {
	mu           sync.Mutex
	started      bool
	start        time.Time // the first frame arrived
	video, audio timeline
	jumps        int
}

// timeline is the map of one track.
type timeline struct {
	rate    int64 // Hz
	started bool
	rtp     uint32 // of the last frame
	ticks   int64  // the same, from the track's first frame, without wraps
	decoding
	decoded int64         // ticks at which the last frame is to be decoded
	origin  time.Duration // media time of ticks 0
	last    time.Duration // media time of decoding of the last frame
	arrival time.Time     // of the last frame
	quick   time.Duration // the least of arrival − time since the first frame

	// of the last sender report
	reported    bool
	reportTicks int64
	reportTime  time.Duration // the publisher's wall clock, from an arbitrary zero
}

func newClock(videoRate, audioRate int64) *clock {
	return &clock{video: timeline{rate: videoRate}, audio: timeline{rate: audioRate}}
}

// at returns the media time of a track's next frame, if frames are shown in the
// order in which they come.
func (c *clock) at(t *timeline, rtp uint32, arrival time.Time) time.Duration {
	shown, _ := c.place(t, rtp, reordering{}, arrival)
	return shown
}

// place returns the media times at which a track's next frame is shown and
// decoded. Those of decoding grow, and are never after those of showing.
func (c *clock) place(t *timeline, rtp uint32, r reordering, arrival time.Time) (shown, decoded time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started {
		c.started, c.start = true, arrival
	}
	since := arrival.Sub(c.start)
	first := !t.started
	if first {
		t.started, t.rtp, t.arrival = true, rtp, arrival
	}
	t.ticks += int64(int32(rtp - t.rtp))
	t.rtp = rtp
	t.decoded = t.ticks
	if r.rate > 0 {
		t.decoded = t.next(t.ticks, r)
	}
	if first {
		t.origin = clockStart + since - t.passed(t.decoded)
		t.last = clockStart + since - tick
		t.quick = since - t.passed(t.decoded)
	}
	passed := arrival.Sub(t.arrival)
	t.arrival = arrival
	if m := t.time(t.decoded); (m - t.last - passed).Abs() > jumpLimit {
		c.jumps++
		t.origin += t.last + max(passed, tick) - m
		t.reported = false
		t.quick = since - t.passed(t.decoded)
	}
	t.quick = min(t.quick, since-t.passed(t.decoded))
	if t == &c.video {
		c.align()
	}
	m := t.time(t.decoded)
	t.last = max(m, t.last+tick)
	if t.depth == 0 {
		return t.last, t.last
	}
	if t.time(t.ticks) < t.last { // the depth is seen to be larger: all comes later
		t.origin += t.last - m
	}
	return t.time(t.ticks), t.last
}

// time returns the media time of a number of ticks.
func (t *timeline) time(ticks int64) time.Duration { return t.origin + t.passed(ticks) }

// passed returns the time that a number of ticks takes.
func (t *timeline) passed(ticks int64) time.Duration {
	return time.Duration(ticks/t.rate)*time.Second + time.Duration(ticks%t.rate)*time.Second/time.Duration(t.rate)
}

// align moves the video's next frame towards the sound.
func (c *clock) align() {
	v, a := &c.video, &c.audio
	if !a.started {
		return
	}
	off := a.time(a.reportTicks) + v.reportTime - a.reportTime - v.time(v.reportTicks)
	if !v.reported || !a.reported || off.Abs() > skewLimit {
		off = a.origin - a.quick - (v.origin - v.quick)
	}
	part := time.Duration(slew)
	if v.depth > 0 {
		part = slewReordered
	}
	most := max((v.time(v.decoded)-v.last)/part, 0)
	v.origin += max(min(off, most), -most)
}

// report takes a sender report: the publisher's wall clock as an NTP timestamp,
// and the RTP time of the same instant.
func (c *clock) report(t *timeline, ntp uint64, rtp uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !t.started || ntp == 0 { // 0: it has no clock (RFC 3550 §6.4.1)
		return
	}
	t.reported = true
	t.reportTicks = t.ticks + int64(int32(rtp-t.rtp))
	// 32 bits of seconds and as many of their fraction; the zero is of no
	// interest, but both tracks' must be the same.
	t.reportTime = time.Duration(ntp>>32)*time.Second + time.Duration((ntp&0xffffffff)*1e9>>32)
}
