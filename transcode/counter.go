package transcode

import "time"

const (
	// packetDuration is that of every Opus packet (-frame_duration).
	packetDuration = 20 * time.Millisecond

	// wobble is more than ffmpeg's timestamps do: up to 0.5 ms with ffmpeg 5,
	// because FLV's are whole milliseconds; 0 with ffmpeg 9.
	wobble = time.Millisecond

	// hole is how far ffmpeg's timestamp must be from the count to be
	// believed. The shortest real hole, one AAC frame at 96 kHz, has 10 ms.
	hole = 2 * wobble
)

// counter gives Opus packets their timestamps: exactly one packet further each
// time, because receivers take everything else for jitter or loss.
type counter struct {
	begun bool
	next  time.Duration
}

// stamp returns the PTS of a packet that ffmpeg puts at a time. ok is false
// for one that lies before the end of the last: after a restart, when the
// first packet reaches back by the encoder's look-ahead.
func (c *counter) stamp(at time.Duration) (pts time.Duration, ok bool) {
	switch off := at - c.next; {
	case !c.begun || off >= hole:
		c.begun, c.next = true, at
	case off <= -hole:
		return 0, false
	}
	pts = c.next
	c.next += packetDuration
	return pts, true
}

// passed notes a frame that was not counted.
func (c *counter) passed(end time.Duration) { c.begun, c.next = true, max(c.next, end) }
