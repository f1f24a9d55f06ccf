package transcode

import (
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// TestNoDrift: hours of sound go through one process as fast as it can, at a
// rate whose frames are no whole number of anything; then what comes out is
// still where it was in the source, without a single hole on the way.
func TestNoDrift(t *testing.T) {
	limit := 15 * time.Second
	if testing.Short() {
		limit = time.Second
	}
	r := newRig(t, Config{})
	r.depth = 100
	quiet := silence(1, 0)[0]
	quiet.Config = aacConfig(44100)
	quiet.Config.ASC = []byte{0x12, 0x10}
	n := int64(0)
	for begin := time.Now(); time.Since(begin) < limit; n++ {
		f := *quiet
		f.PTS = exact(n*1024, 44100).Round(time.Millisecond)
		r.feed([]*media.AudioFrame{&f})
	}
	start := exact(n*1024, 44100).Round(time.Millisecond)
	r.until(start - 100*time.Millisecond)
	r.depth = 5
	source := encodeAAC(t, 44100, 2, start, 3*time.Second)
	r.feed(source)
	got := r.until(start + 2900*time.Millisecond)
	if holes := checkOpus(t, got); holes != nil {
		t.Errorf("holes of %v", holes)
	}
	t.Logf("after %v:", start)
	checkAlignment(t, source, got, start+time.Second)
	r.undisturbed()
}
