package ingest

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

var (
	errBitrate    = errors.New("bitrate above the limit")
	errResolution = errors.New("resolution above the limit")
)

// rateSpan is how long a publisher may send more than the rate, if it sent
// nothing before: what it held back while its network stood still.
const rateSpan = 10 * time.Second

// bitrate holds a publisher to a bit rate; the zero value to none.
type bitrate struct {
	most   int // bit/s
	bucket *rate.Limiter
}

func newBitrate(most int) bitrate {
	if most <= 0 {
		return bitrate{}
	}
	bytes := float64(most) / 8
	return bitrate{most, rate.NewLimiter(rate.Limit(bytes), int(bytes*rateSpan.Seconds()))}
}

// take counts a message. The error is a *Refusal.
func (b bitrate) take(bytes int, now time.Time) error {
	if b.bucket == nil || b.bucket.AllowN(now, bytes) {
		return nil
	}
	return fmt.Errorf("%w: %w", errBitrate, rejected("the stream has more than the %d kbit/s that this server takes", b.most/1000))
}

// Resolution is a size of pictures in pixels; the zero value means any.
type Resolution struct{ Width, Height int }

// String returns the size as it is usually written, 1920x1080.
func (r Resolution) String() string { return fmt.Sprintf("%dx%d", r.Width, r.Height) }

// check refuses pictures that do not fit, neither as they are nor turned by a
// quarter, as those of phones are. The error is a *Refusal.
func (r Resolution) check(width, height int) error {
	long, short := max(r.Width, r.Height), min(r.Width, r.Height)
	if long == 0 || max(width, height) <= long && min(width, height) <= short {
		return nil
	}
	return fmt.Errorf("%w: %w", errResolution,
		rejected("the picture has %dx%d pixels, this server takes up to %v", width, height, r))
}
