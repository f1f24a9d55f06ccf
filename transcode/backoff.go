package transcode

import "time"

const (
	// failureWindow is the time in which failures count together. A process
	// that has lived longer was good.
	failureWindow = 30 * time.Second

	// slowRetry is the pause between attempts when the quick ones are used up.
	slowRetry = 30 * time.Second
)

// backoff decides how long to wait before a dead process is replaced.
type backoff struct {
	failures []time.Time // within the window
	givenUp  bool        // no quick attempts until one has succeeded
}

// failed notes the end of a process that was started at began.
func (b *backoff) failed(began, now time.Time) time.Duration {
	pauses := [...]time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 5 * time.Second}
	if now.Sub(began) >= failureWindow {
		*b = backoff{}
	}
	for len(b.failures) > 0 && now.Sub(b.failures[0]) >= failureWindow {
		b.failures = b.failures[1:]
	}
	b.failures = append(b.failures, now)
	n := len(b.failures)
	b.givenUp = b.givenUp || n > len(pauses)
	if b.givenUp {
		return slowRetry
	}
	return pauses[n-1]
}
