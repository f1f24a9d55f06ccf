//go:build e2e

package e2e

import (
	"errors"
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
	after       map[time.Duration]lateness // some time after the POST
	browser.Reading
	longTimeAV float64 // of the long-time viewer, ms that its picture is ahead
}

// lateness is how late a viewer shows its pictures, in milliseconds: later than
// the long-time viewer, later than they were published, and how much the
// long-time viewer is later than that; and how much its picture is ahead of its
// sound.
type lateness struct{ lag, delay, longTime, av float64 }

// join lets a viewer come when a picture of the GOP was just published. It
// watches until the last of the times at which its lateness is wanted.
func (n *numbered) join(picture int, times ...time.Duration) join {
	n.tb.Helper()
	n.waitPicture(picture)
	start := time.Now()
	name := n.player(0)
	av := map[time.Duration]float64{}
	for _, d := range times {
		watch(n.tb, time.Until(start.Add(d)))
		av[d] = n.Reading(name).AV()
	}
	watch(n.tb, 700*time.Millisecond)
	s := n.seen(name, start.Add(-time.Second))
	j := join{picture: picture, first: math.NaN(), live: browser.Live(s.lags) - s.Posted, after: map[time.Duration]lateness{}}
	if len(s.Shown) > 0 {
		j.first = s.Shown[0].At - s.Posted
	}
	for _, d := range times {
		at := s.Posted + float64(d.Milliseconds())
		j.after[d] = lateness{browser.LagAt(s.lags, at), browser.LagAt(s.delays, at), browser.LagAt(s.longTime, at), av[d]}
	}
	j.Reading, j.longTimeAV = n.Reading(name), n.Reading(longTime).AV()
	n.Leave(name)
	return j
}

func (j join) String() string {
	text := fmt.Sprintf("picture %3d: first %5.0f ms, live %5.0f ms", j.picture, j.first, j.live)
	for _, d := range slices.Sorted(maps.Keys(j.after)) {
		l := j.after[d]
		text += fmt.Sprintf(", after %v %.0f ms behind (%.0f of %.0f from publisher to glass, A-V %+.0f)", d, l.lag, l.delay, l.longTime, l.av)
	}
	return text + fmt.Sprintf("; %v; long-time viewer A-V %+.0f ms", j.Reading, j.longTimeAV)
}

// TestJoin comes at four phases of a GOP of eight seconds. The bounds leave
// room for a busy machine, which may fail one of the four and is given more
// than one try; BenchmarkJoin tells how quick it is.
func TestJoin(t *testing.T) {
	n := watchNumbered(t, 240)
	attempts(t, func() error {
		const settled = 5 * time.Second
		var first, live, lag []float64
		for _, picture := range []int{15, 90, 165, 222} {
			j := n.join(picture, settled)
			t.Log(j)
			first, live, lag = append(first, j.first), append(live, j.live), append(lag, j.after[settled].lag)
		}
		return errors.Join(
			threeOfFour("first picture after", first, 1500),
			threeOfFour("live after", live, 3000),
			threeOfFour("five seconds later still behind by", lag, 150),
		)
	})
}

func threeOfFour(what string, values []float64, most float64) error {
	if third := percentile(values, 75); !(third <= most) {
		return fmt.Errorf("%s %.0f ms, want at most %.0f for three of %.0f", what, third, most, values)
	}
	return nil
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

// modes are what is compared: Sluice as it comes, and as its peers do it.
var modes = []struct {
	name  string
	flags []string
}{
	{"replay", nil},
	{"wait", []string{"--wait-for-keyframe"}},
}

// BenchmarkJoin joins 20 times at random phases, every sixth time for half a
// minute. It takes about a quarter of an hour.
func BenchmarkJoin(b *testing.B) {
	for _, gop := range []int{240, 60} {
		for _, mode := range modes {
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
		times := []time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second, long}
		switch {
		case len(joins)%often == 0:
		case waits:
			times = []time.Duration{time.Duration(n.gop)*time.Second/frameRate + 2*time.Second}
		default:
			times = times[:2]
		}
		j := n.join(pictures[0], times...)
		pictures = pictures[1:]
		n.tb.Log(j)
		joins = append(joins, j)
	}
	return joins
}

func report(b *testing.B, joins []join) {
	b.Helper()
	var first, live []float64
	lag, delay, av := map[time.Duration][]float64{}, map[time.Duration][]float64{}, map[time.Duration][]float64{}
	freezes, never := 0, 0
	for _, j := range joins {
		first, live = append(first, j.first), append(live, j.live)
		for d, l := range j.after {
			lag[d], delay[d], av[d] = append(lag[d], l.lag), append(delay[d], l.delay), append(av[d], math.Abs(l.av))
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
		b.ReportMetric(percentile(delay[d], 50), fmt.Sprintf("glass-%v-ms/p50", d))
		b.ReportMetric(percentile(av[d], 50), fmt.Sprintf("av-%v-ms/p50", d))
	}
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
