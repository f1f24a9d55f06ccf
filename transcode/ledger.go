package transcode

import "time"

// ledgerSize is the most frames that are remembered. The pipe holds 256 of the
// shortest.
const ledgerSize = 512

// entry is what is known of an AAC frame that ffmpeg has been given.
type entry struct {
	end     time.Duration // on the clock's time line
	skew    time.Duration
	arrival time.Time
}

// ledger remembers the frames that ffmpeg has been given and has not returned,
// in their order.
type ledger struct{ entries []entry }

func (l *ledger) push(e entry) {
	if len(l.entries) == ledgerSize {
		l.entries = l.entries[1:]
	}
	l.entries = append(l.entries, e)
}

// cancel takes back the last push.
func (l *ledger) cancel() {
	if n := len(l.entries); n > 0 {
		l.entries = l.entries[:n-1]
	}
}

// complete forgets the frames that end before a time and returns the one that
// does not: with it, all sound up to then had been given. If there is none it
// is the last one given.
func (l *ledger) complete(until time.Duration) (e entry) {
	for len(l.entries) > 0 {
		e = l.entries[0]
		if e.end >= until {
			break
		}
		l.entries = l.entries[1:]
	}
	return e
}
