package meter

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// Excess is the error of a publication that brings more than it may.
type Excess struct {
	Reason string // "bitrate" or "resolution"
	Detail string // for the publisher
}

// Error implements error.
func (e *Excess) Error() string { return e.Detail }

// rateSpan is how long a publisher may send more than the rate, if it sent
// nothing before: what it held back while its network stood still.
const rateSpan = 10 * time.Second

// Bitrate holds a publisher to a bit rate; the zero value to none.
type Bitrate struct {
	most   int // bit/s
	bucket *rate.Limiter
}

// NewBitrate returns one of most bit/s; 0: any.
func NewBitrate(most int) Bitrate {
	if most <= 0 {
		return Bitrate{}
	}
	bytes := float64(most) / 8
	return Bitrate{most, rate.NewLimiter(rate.Limit(bytes), int(bytes*rateSpan.Seconds()))}
}

// Take counts bytes. The error is an *Excess.
func (b Bitrate) Take(bytes int, now time.Time) error {
	if b.bucket == nil || b.bucket.AllowN(now, bytes) {
		return nil
	}
	return &Excess{"bitrate", fmt.Sprintf("the stream has more than the %d kbit/s that this server takes", b.most/1000)}
}

// Resolution is a size of pictures in pixels; the zero value means any.
type Resolution struct{ Width, Height int }

// String returns the size as it is usually written, 1920x1080.
func (r Resolution) String() string { return fmt.Sprintf("%dx%d", r.Width, r.Height) }

// check refuses pictures that do not fit, neither as they are nor turned by a
// quarter, as those of phones are. The error is an *Excess.
func (r Resolution) check(width, height int) error {
	long, short := max(r.Width, r.Height), min(r.Width, r.Height)
	if long == 0 || max(width, height) <= long && min(width, height) <= short {
		return nil
	}
	return &Excess{"resolution", fmt.Sprintf("the picture has %dx%d pixels, this server takes up to %v", width, height, r)}
}
