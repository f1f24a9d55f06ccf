package depacketize

import "time"

// The limits of the clock.
const (
	// clockStart is where the media clock begins: high enough that no time is
	// ever negative.
	clockStart = 15 * time.Second

	// jumpLimit is how far a timestamp may be off what the other track and the
	// wall clock make expect before it counts as a jump. Muxers interleave
	// audio and video within a second.
	jumpLimit = 3 * time.Second

	// jitterLimit is how far a track's timestamps may step back before that
	// counts as a jump; up to there the track stands still until it is passed.
	jitterLimit = 500 * time.Millisecond

	// lagDecay is by how much of the media time that passes a lag is forgotten,
	// so that a slow clock does not add up to one (10 % is slower than any).
	lagDecay = 10

	// maxElapsed bounds a time between two messages, against overflow.
	maxElapsed = 24 * time.Hour

	// maxStep is the longest time from one frame to the next that is taken for
	// the frame interval.
	maxStep = time.Second

	// tick is the least advance from one frame to the next: one of RTP's
	// 90 kHz video clock, rounded up, so that no two frames of a track have the
	// same RTP timestamp (RFC 6184 §5.1).
	tick = time.Second/90000 + 1
)

// clock maps the 32-bit millisecond timestamps of RTMP to one continuous media
// clock for audio and video.
//
// A timeline is a linear map of timestamps to media time; a wrap at 2^32 is
// just a small step on it (int32 arithmetic). Each track follows a timeline,
// normally both the same, so they keep their distance to the millisecond.
//
// A timestamp fits a timeline if its media time is
//   - not more than jitterLimit before the last one of its track,
//   - not more than jumpLimit before where the track would be, had it kept its
//     distance from the head (the latest media time of any track), and
//   - not after the head by more than jumpLimit and the time that the wall
//     clock says has passed: that since the last message, and the lag, by which
//     media time fell behind the wall clock before. So a pause stays a gap of
//     its real length, even if buffered frames came first when it was over.
//
// If it fits no timeline that a track follows, the timestamps jumped: a new
// timeline begins, which continues the media clock with the time that passed
// on the wall (or a frame interval, if that is longer). Whichever track jumps
// first begins it, and the other one follows with its next message that fits
// it better than the old timeline: messages that were muxed before the jump
// and come after it still go by the old one. A track whose timestamps come
// from another epoch altogether keeps a timeline of its own.
//
// PTS = DTS + composition time is the truth: GStreamer's flvmux moves DTS
// about but keeps the sum. DTS is lowered by the most negative composition time
// so far, so that PTS ≥ DTS without touching PTS. DTS increases by a tick at
// least; only where that moves it past PTS (timestamps stepped back) PTS
// follows.
type clock struct {
	tracks struct{ video, audio track }
	latest *timeline     // the one that began last
	head   time.Duration // the latest media time of any track
	lag    time.Duration // how far media time is behind the wall clock, at its best
	last   time.Time     // arrival of the last message
	jumps  uint64
}

// timeline is a linear map of timestamps to media time, given by one point.
type timeline struct {
	timestamp uint32 // ms
	time      time.Duration
}

func (l *timeline) at(timestamp uint32) time.Duration {
	return l.time + time.Duration(int32(timestamp-l.timestamp))*time.Millisecond
}

// track is the state of the audio or the video track.
type track struct {
	line   *timeline     // the one it follows; nil: nothing came yet
	last   time.Duration // the last media time on it
	step   time.Duration // from the one before to the last, at most maxStep
	behind time.Duration // head − last, when the last message came

	offset   time.Duration // the most negative composition time so far, or 0
	dts, pts time.Duration // of the last frame
}

// video returns the times of a picture. fraction, of a millisecond, comes on
// top of the timestamp.
func (c *clock) video(timestamp uint32, fraction, offset time.Duration, arrival time.Time) (pts, dts time.Duration) {
	t := &c.tracks.video
	now := c.advance(t, timestamp, arrival) + fraction
	t.offset = min(t.offset, offset)
	t.dts = max(now+t.offset, t.dts+tick)
	pts = max(now+offset, t.dts)
	if (pts - t.pts).Abs() < tick {
		pts = t.pts + tick
	}
	t.pts = pts
	return t.pts, t.dts
}

// audio returns the time of an audio frame.
func (c *clock) audio(timestamp uint32, fraction time.Duration, arrival time.Time) time.Duration {
	t := &c.tracks.audio
	t.dts = max(c.advance(t, timestamp, arrival)+fraction, t.dts+tick)
	return t.dts
}

// advance takes a message of track t and returns its media time.
func (c *clock) advance(t *track, timestamp uint32, arrival time.Time) time.Duration {
	elapsed := c.elapsed(arrival)
	line := c.follow(t, timestamp, elapsed)
	if line == nil {
		line = c.jump(t, timestamp, elapsed)
	}
	now := line.at(timestamp)
	line.timestamp, line.time = timestamp, now

	gained := max(now-c.head, 0)
	c.lag = min(max(c.lag+elapsed-gained-gained/lagDecay, 0), maxElapsed)
	c.head += gained
	if step := now - t.last; t.line != nil && step > 0 && step <= maxStep {
		t.step = step
	}
	t.line, t.last, t.behind = line, now, c.head-now
	return now
}

// elapsed returns the time since the last message.
func (c *clock) elapsed(arrival time.Time) time.Duration {
	defer func() { c.last = arrival }()
	if c.latest == nil {
		return 0
	}
	return min(max(arrival.Sub(c.last), 0), maxElapsed)
}

// follow returns the timeline that a timestamp fits best, nil if none. Where
// it is not much worse that is the latest, which keeps the tracks together.
func (c *clock) follow(t *track, timestamp uint32, elapsed time.Duration) (best *timeline) {
	var least time.Duration
	expected := c.head - t.behind
	for _, line := range [...]*timeline{c.latest, c.tracks.video.line, c.tracks.audio.line} {
		if line == nil {
			continue
		}
		at := line.at(timestamp)
		if !c.fits(t, at, expected, elapsed) {
			continue
		}
		cost := (at - expected).Abs()
		if line != c.latest {
			cost += jitterLimit / 2
		}
		if best == nil || cost < least {
			best, least = line, cost
		}
	}
	return best
}

// fits says whether a message of track t can be at a media time.
func (c *clock) fits(t *track, at, expected, elapsed time.Duration) bool {
	if t.line != nil && at < t.last-jitterLimit {
		return false
	}
	return at >= expected-jumpLimit && at <= c.head+jumpLimit+c.lag+elapsed
}

// jump begins a timeline with a message of track t.
func (c *clock) jump(t *track, timestamp uint32, elapsed time.Duration) *timeline {
	if c.latest == nil {
		c.latest = &timeline{timestamp, clockStart}
		c.head = clockStart
		return c.latest
	}
	c.jumps++
	c.latest = &timeline{timestamp, max(c.head+elapsed, t.last+t.step)}
	return c.latest
}
