//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
)

// join is what a viewer saw who came at some picture of the GOP. Times are
// milliseconds after the POST; NaN is never.
type join struct {
	picture     int
	first, live float64
	lag         map[time.Duration]float64 // ms, some time after the POST
	browser.Reading
}

// join lets a viewer come when a picture of the GOP was just published. It
// watches until the last of the times at which its lag is wanted.
func (n *numbered) join(picture int, lagAfter ...time.Duration) join {
	n.tb.Helper()
	n.waitPicture(picture)
	start := time.Now()
	name := n.player(0)
	watch(n.tb, lagAfter[len(lagAfter)-1]+700*time.Millisecond)
	w, lags := n.lags(name, start.Add(-time.Second))
	j := join{picture: picture, first: math.NaN(), live: browser.Live(lags) - w.Posted, lag: map[time.Duration]float64{}}
	if len(w.Shown) > 0 {
		j.first = w.Shown[0].At - w.Posted
	}
	for _, d := range lagAfter {
		j.lag[d] = browser.LagAt(lags, w.Posted+float64(d.Milliseconds()))
	}
	j.Reading = n.Reading(name)
	n.Leave(name)
	return j
}

func (j join) String() string {
	text := fmt.Sprintf("picture %3d: first %5.0f ms, live %5.0f ms", j.picture, j.first, j.live)
	for _, after := range slices.Sorted(maps.Keys(j.lag)) {
		text += fmt.Sprintf(", %.0f ms behind after %v", j.lag[after], after)
	}
	return text + fmt.Sprintf("; %v", j.Reading)
}

// TestJoin comes at four phases of a GOP of eight seconds. The bounds leave
// room for a busy machine; BenchmarkJoin tells how quick it is.
func TestJoin(t *testing.T) {
	const settled = 5 * time.Second
	n := watchNumbered(t, 240)
	for _, picture := range []int{15, 90, 165, 222} {
		j := n.join(picture, settled)
		t.Log(j)
		switch {
		case !(j.first < 1500):
			t.Errorf("at picture %d: first picture after %.0f ms", picture, j.first)
		case !(j.live < 3000):
			t.Errorf("at picture %d: live after %.0f ms", picture, j.live)
		case !(j.lag[settled] <= 150):
			t.Errorf("at picture %d: %.0f ms behind after %v", picture, j.lag[settled], settled)
		}
	}
}

// TestJoinWaitingForKeyframe shows that TestJoin can fail.
func TestJoinWaitingForKeyframe(t *testing.T) {
	n := watchNumbered(t, 240, "--wait-for-keyframe")
	j := n.join(60, 2*time.Second)
	t.Log(j)
	if j.first < 2000 {
		t.Errorf("a picture after %.0f ms, six seconds before the keyframe", j.first)
	}
}

// BenchmarkJoin joins 20 times at random phases, every sixth time for half a
// minute. It takes about a quarter of an hour.
func BenchmarkJoin(b *testing.B) {
	for _, gop := range []int{240, 60} {
		for _, mode := range []struct {
			name  string
			flags []string
		}{
			{"replay", nil},
			{"wait", []string{"--wait-for-keyframe"}},
		} {
			b.Run(fmt.Sprintf("gop=%ds/%s", gop/frameRate, mode.name), func(b *testing.B) {
				n := watchNumbered(b, gop, mode.flags...)
				b.ResetTimer()
				for range b.N {
					report(b, n.joins(20, len(mode.flags) > 0))
				}
			})
		}
	}
}

// joins comes at random pictures, the next of them first.
func (n *numbered) joins(count int, waits bool) []join {
	const often, long = 7, 30 * time.Second
	random := rand.New(rand.NewPCG(1, uint64(n.gop)))
	var pictures []int
	for range count {
		pictures = append(pictures, random.IntN(n.gop))
	}
	var joins []join
	for len(pictures) > 0 {
		slices.SortFunc(pictures, func(a, b int) int { return n.untilPicture(a) - n.untilPicture(b) })
		// Those who wait see the IDR at the latest after a whole GOP.
		lagAfter := []time.Duration{5 * time.Second, 15 * time.Second, long}
		switch {
		case len(joins)%often == 0:
		case waits:
			lagAfter = []time.Duration{time.Duration(n.gop)*time.Second/frameRate + 2*time.Second}
		default:
			lagAfter = lagAfter[:1]
		}
		j := n.join(pictures[0], lagAfter...)
		pictures = pictures[1:]
		n.tb.Log(j)
		joins = append(joins, j)
	}
	return joins
}

func report(b *testing.B, joins []join) {
	b.Helper()
	var first, live, sync []float64
	lag := map[time.Duration][]float64{}
	freezes, never := 0, 0
	for _, j := range joins {
		first, live = append(first, j.first), append(live, j.live)
		for d, l := range j.lag {
			lag[d] = append(lag[d], l)
		}
		if av := j.AV(); !math.IsNaN(av) {
			sync = append(sync, math.Abs(av))
		}
		freezes += j.Freezes
		if math.IsNaN(j.live) {
			never++
		}
	}
	b.ReportMetric(0, "ns/op") // means nothing here
	b.ReportMetric(percentile(first, 50), "first-ms/p50")
	b.ReportMetric(percentile(first, 95), "first-ms/p95")
	b.ReportMetric(percentile(live, 50), "live-ms/p50")
	b.ReportMetric(percentile(live, 95), "live-ms/p95")
	for d, lags := range lag {
		b.ReportMetric(percentile(lags, 50), fmt.Sprintf("lag-%v-ms/p50", d))
		b.ReportMetric(percentile(lags, 100), fmt.Sprintf("lag-%v-ms/max", d))
	}
	b.ReportMetric(percentile(sync, 50), "av-ms/p50")
	b.ReportMetric(percentile(sync, 100), "av-ms/max")
	b.ReportMetric(float64(freezes), "freezes")
	b.ReportMetric(float64(never), "never-live")
}

// percentile is the nearest rank; never is the largest of all.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	for i, v := range sorted {
		if math.IsNaN(v) {
			sorted[i] = math.Inf(1)
		}
	}
	slices.Sort(sorted)
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}
