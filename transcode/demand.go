package transcode

import "time"

// demand says whether a stream has viewers, or had some a short while ago.
type demand struct {
	ask       func() bool
	now       func() time.Time
	stopAfter time.Duration

	asked   bool      // ask has said yes
	askedAt time.Time // the last time that it did
}

func (d *demand) wanted() bool {
	now := d.now()
	if d.ask() {
		d.asked, d.askedAt = true, now
	}
	d.asked = d.asked && now.Sub(d.askedAt) < d.stopAfter
	return d.asked
}
