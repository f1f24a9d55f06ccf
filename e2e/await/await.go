// Package await waits for conditions, with a deadline and a reason.
package await

import (
	"testing"
	"time"
)

// interval is how often a condition is looked at: often enough not to add to
// what is timed in seconds, rarely enough to leave two cores to the programs
// under test.
const interval = 20 * time.Millisecond

// Success polls until check returns nil. After the deadline it ends the test
// with check's last error.
func Success(tb testing.TB, within time.Duration, check func() error) {
	tb.Helper()
	deadline := time.Now().Add(within)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("after %v: %v", within, err)
		}
		time.Sleep(interval)
	}
}

// Holds polls for the whole of a time and ends the test as soon as check
// returns an error: for what must go on being true.
func Holds(tb testing.TB, during time.Duration, check func() error) {
	tb.Helper()
	for start := time.Now(); time.Since(start) < during; time.Sleep(interval) {
		if err := check(); err != nil {
			tb.Fatalf("after %v: %v", time.Since(start).Round(time.Millisecond), err)
		}
	}
}
