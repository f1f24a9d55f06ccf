package contribute

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// ntp is a publisher's wall clock, some time after its epoch.
func ntp(d time.Duration) uint64 {
	d += 1000 * time.Hour
	return uint64(d/time.Second)<<32 | uint64(d%time.Second)<<32/uint64(time.Second)
}

// Whatever the network does to the tracks, sender reports bring the picture to
// the sound, little by little and never backwards.
func TestClockAligns(t *testing.T) {
	for _, late := range []time.Duration{-300 * ms, -40 * ms, 0, 40 * ms, 300 * ms} { // of the video on its way
		c := newClock(90000, 48000)
		const video0, audio0 = 4_294_900_000, 77
		var off, last time.Duration
		for i := range 300 {
			now := time.Duration(i) * 20 * ms
			a := c.at(&c.audio, audio0+uint32(i)*960, start.Add(time.Second+now))
			v := c.at(&c.video, video0+uint32(i)*1800, start.Add(time.Second+now+late))
			if i == 100 {
				c.report(&c.audio, ntp(now), audio0+uint32(i)*960)
				c.report(&c.video, ntp(now), video0+uint32(i)*1800)
			}
			if want := clockStart + now; i > 0 && late >= 0 && a != want {
				t.Fatalf("audio %d at %v, want %v", i, a, want)
			}
			if v <= last {
				t.Fatalf("video %d at %v after %v", i, v, last)
			}
			last, off = v, v-a
		}
		if off.Abs() > ms {
			t.Errorf("%v late, the video is %v from the audio at the end", late, off)
		}
		if c.jumps != 0 {
			t.Errorf("%d jumps", c.jumps)
		}
	}
}

// Without reports, what waited in the publisher's queues until it was connected
// does not tell how the tracks relate.
func TestClockSeesPastQueues(t *testing.T) {
	c := newClock(90000, 48000)
	var off time.Duration
	for i := range 500 {
		now := time.Duration(i) * 20 * ms
		a := c.at(&c.audio, uint32(i)*960, start.Add(max(now, time.Second)))   // a second of it waited
		v := c.at(&c.video, uint32(i)*1800, start.Add(max(now, 1200*ms)+3*ms)) // the encoder took longer
		off = v - a
	}
	if off.Abs() > 5*ms {
		t.Errorf("the video is %v from the audio", off)
	}
}

// Reports of nonsense leave the tracks where their arrival put them.
func TestClockDoubts(t *testing.T) {
	c := newClock(90000, 48000)
	for i := range 200 {
		at := start.Add(time.Duration(i) * 20 * ms)
		a, v := c.at(&c.audio, uint32(i)*960, at), c.at(&c.video, uint32(i)*1800, at)
		c.report(&c.audio, ntp(time.Hour), uint32(i)*960)
		c.report(&c.video, ntp(0), uint32(i)*1800)
		if a != v {
			t.Fatalf("audio at %v, video at %v", a, v)
		}
	}
}

// A timestamp that leaps goes on where time says it is; a pause does not leap.
func TestClockJumps(t *testing.T) {
	c := newClock(90000, 48000)
	c.at(&c.video, 1000, start)
	if got := c.at(&c.video, 1000+3000, start.Add(33*ms)); got != clockStart+33333333 {
		t.Errorf("second frame at %v", got)
	}
	if got := c.at(&c.video, 1000+60*90000, start.Add(60*time.Second)); got != clockStart+time.Minute || c.jumps != 0 {
		t.Errorf("after a pause of a minute at %v with %d jumps", got, c.jumps)
	}
	if got := c.at(&c.video, 5, start.Add(60040*ms)); got != clockStart+60040*ms || c.jumps != 1 {
		t.Errorf("after a leap at %v with %d jumps", got, c.jumps)
	}
	if got := c.at(&c.video, 5, start.Add(60050*ms)); got != clockStart+60040*ms+tick {
		t.Errorf("a timestamp twice is at %v", got)
	}
}
