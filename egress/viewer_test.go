package egress

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-media/sluice/metrics"
)

// deaf returns a viewer whose sending goroutine does not run.
func deaf(t *testing.T) *Viewer {
	t.Helper()
	m := metrics.New(prometheus.NewRegistry()).Egress("live/x")
	vm := &viewerMetrics{Egress: m, dropped: map[DropReason]prometheus.Counter{}}
	for _, r := range []DropReason{DropQueueFull, DropWaitIDR, DropSendError} {
		vm.dropped[r] = m.Dropped(string(r))
	}
	v := newViewer(t.Context(), nil, newClock(time.Now()), vm, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { v.end(ErrViewerClosed) })
	return v
}

func (v *Viewer) dropped(r DropReason) int { return int(testutil.ToFloat64(v.metrics.dropped[r])) }

// drain returns the queued frames in a notation: I an IDR, p another access
// unit, a audio.
func drain(v *Viewer) string {
	var s []byte
	for len(v.queue) > 0 {
		s = append(s, notation(<-v.queue))
	}
	return string(s)
}

func notation(f *Frame) byte {
	switch {
	case f.Kind == Audio:
		return 'a'
	case f.IDR:
		return 'I'
	default:
		return 'p'
	}
}

func deliver(v *Viewer, frames string) {
	for _, c := range frames {
		f := &Frame{Kind: Video, IDR: c == 'I', Payloads: [][]byte{{1}}}
		if c == 'a' {
			f.Kind = Audio
		}
		v.Deliver(f)
	}
}

func TestDeliver(t *testing.T) {
	t.Run("video begins with an IDR, audio at once", func(t *testing.T) {
		v := deaf(t)
		deliver(v, "appaIpa")
		if got := drain(v); got != "aaIpa" {
			t.Errorf("queued %s", got)
		}
		if v.dropped(DropWaitIDR) != 0 {
			t.Error("frames before the start count as dropped")
		}
	})
	t.Run("a full queue drops video to the next IDR, audio goes on", func(t *testing.T) {
		v := deaf(t)
		deliver(v, "I"+string(slices.Repeat([]byte("p"), queueVideo-1))+"ppapa")
		if got := drain(v); len(got) != queueVideo+2 || got[queueVideo:] != "aa" {
			t.Errorf("queued %s", got)
		}
		deliver(v, "papIpa")
		if got := drain(v); got != "aIpa" {
			t.Errorf("queued %s after it was drained", got)
		}
		if full, wait := v.dropped(DropQueueFull), v.dropped(DropWaitIDR); full != 1 || wait != 4 {
			t.Errorf("dropped %d for a full queue and %d waiting, want 1 and 4", full, wait)
		}
	})
	t.Run("audio is dropped last", func(t *testing.T) {
		v := deaf(t)
		deliver(v, string(slices.Repeat([]byte("a"), queueFrames+3)))
		if got := v.dropped(DropQueueFull); got != 3 || len(v.queue) != queueFrames {
			t.Errorf("dropped %d, queued %d", got, len(v.queue))
		}
	})
}

func TestOpusSamples(t *testing.T) {
	cases := []struct {
		packet []byte
		want   uint32
	}{
		{[]byte{0xfc}, 960},     // CELT 20 ms, one frame
		{[]byte{0xf4}, 480},     // CELT 10 ms
		{[]byte{0x78}, 960},     // hybrid 20 ms
		{[]byte{0x08}, 960},     // SILK 20 ms
		{[]byte{0x18}, 2880},    // SILK 60 ms
		{[]byte{0xfd}, 1920},    // two frames
		{[]byte{0xff, 3}, 2880}, // three frames
		{[]byte{0xff}, 0},       // broken
		{nil, 0},
	}
	for _, c := range cases {
		if got := opusSamples(&Frame{Kind: Audio, Payloads: [][]byte{c.packet}}); got != c.want {
			t.Errorf("opusSamples(%x) = %d, want %d", c.packet, got, c.want)
		}
	}
}
