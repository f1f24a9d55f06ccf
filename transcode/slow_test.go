package transcode

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// slowFeed is a videoFeed without a process, of a GOP of 2 s at 30 pictures a
// second.
func slowFeed(t *testing.T) (f *videoFeed, dropped *int) {
	t.Helper()
	dropped = new(int)
	f = &videoFeed{behind: overloaded, shown: math.MinInt64, stall: stall{limit: videoStall, ready: true}, speaks: true}
	f.changed.L = &f.mu
	f.dropped = func(reason string) {
		if reason != DropOverload {
			t.Errorf("dropped because of %s", reason)
		}
		*dropped++
	}
	return f, dropped
}

// TestTooSlowToDecode: a process that takes two thirds of the pictures in time
// shows of each GOP the IDR and what it manages after it, is not killed for it,
// and the rest is counted; when it is fast enough again all is shown.
func TestTooSlowToDecode(t *testing.T) {
	f, dropped := slowFeed(t)
	units := mediatest.Video(1200, 60)
	var shown []*media.AccessUnit
	take := func() {
		if e, ok := f.pop(); ok && e.fed&fedSkip == 0 {
			shown = append(shown, e.au)
			f.returned(e.fed)
		}
	}
	for i, au := range units {
		if err := f.push(au, time.Unix(0, int64(au.DTS))); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		if i < 600 && i%3 > 0 || i >= 600 {
			take()
		}
		if i >= 600 && len(f.queue) > 0 {
			take()
		}
	}
	idrs := slices.DeleteFunc(slices.Clone(shown), func(au *media.AccessUnit) bool { return !au.IDR })
	first := slices.IndexFunc(shown, func(au *media.AccessUnit) bool { return au == units[900] })
	if len(idrs) < 19 || first < 0 || len(shown)-first != 300 || *dropped < 100 || *dropped != len(units)-len(shown) {
		t.Errorf("%d of 20 IDRs shown, %d of the last 300 pictures, %d dropped of %d that are missing", len(idrs), len(shown)-first, *dropped, len(units)-len(shown))
	}
	if treatment := f.treatment(media.BFrames); treatment.Action != media.Reencoded {
		t.Errorf("all is shown, and they say %+v", treatment)
	}
}

// TestHopelesslySlow: what waits is bounded where no IDR comes.
func TestHopelesslySlow(t *testing.T) {
	f, _ := slowFeed(t)
	for i, au := range mediatest.Video(1200, 10000) {
		err := f.push(au, time.Unix(0, int64(au.DTS)))
		if i%3 == 0 {
			f.pop()
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, errTooSlow) || au.DTS < hopeless {
			t.Errorf("%v after %v", err, au.DTS)
		}
		return
	}
	t.Errorf("%d pictures wait", len(f.queue))
}
