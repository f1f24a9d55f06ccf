package egress

import (
	"sync"
	"testing"
)

// A few viewers wake one worker, many wake the others too.
func TestWorkersAreWokenForMany(t *testing.T) {
	s := &sender{workers: 2}
	s.some = sync.NewCond(&s.mu)
	for i := range 2*senderLoad + 10 {
		s.push(&Viewer{})
		want := 1
		if i >= senderLoad {
			want = 2
		}
		if s.awake != want {
			t.Fatalf("%d viewers wait, %d workers are awake, want %d", i+1, s.awake, want)
		}
	}
}
