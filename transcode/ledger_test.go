package transcode

import (
	"testing"
	"time"
)

func TestLedger(t *testing.T) {
	var l ledger
	at := time.Unix(1000, 0)
	if e := l.complete(time.Second); e != (entry{}) {
		t.Errorf("an empty ledger has %+v", e)
	}
	frame := func(i int) entry {
		return entry{end: time.Duration(i) * 21 * time.Millisecond, arrival: at.Add(time.Duration(i) * time.Second)}
	}
	for i := 1; i <= 4; i++ {
		l.push(frame(i))
	}
	for _, c := range []struct{ until, want, left int }{{20, 1, 4}, {21, 1, 4}, {22, 2, 3}, {62, 3, 2}, {80, 4, 1}, {200, 4, 0}} {
		if e := l.complete(time.Duration(c.until) * time.Millisecond); e != frame(c.want) || len(l.entries) != c.left {
			t.Errorf("until %d ms: %+v, %d left; want frame %d, %d", c.until, e, len(l.entries), c.want, c.left)
		}
	}
	l.cancel()
	for i := range 3 * ledgerSize {
		l.push(frame(i))
	}
	l.cancel()
	if n := len(l.entries); n != ledgerSize-1 || l.entries[n-1] != frame(3*ledgerSize-2) {
		t.Errorf("%d entries, the last %+v", n, l.entries[n-1])
	}
}
