package egress

import "time"

// bucket is a token bucket on a clock that the caller reads.
type bucket struct {
	rate     float64 // tokens a second
	capacity float64

	tokens float64
	filled time.Time
}

func newBucket(rate, capacity float64, now time.Time) *bucket {
	return &bucket{rate: rate, capacity: capacity, tokens: capacity, filled: now}
}

// take takes n tokens if they are there.
func (b *bucket) take(n float64, now time.Time) bool {
	b.tokens = min(b.capacity, b.tokens+b.rate*now.Sub(b.filled).Seconds())
	b.filled = now
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}
