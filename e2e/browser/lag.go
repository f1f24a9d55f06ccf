package browser

import (
	"math"
	"slices"
)

// Lag is how much later one player showed a picture than another did. Both are
// milliseconds, At since 1970.
type Lag struct{ At, Lag float64 }

// Lags compares a player with one who has long been watching. Numbers begin
// again after count pictures; nobody is half as many behind.
func Lags(reference, player []Shown, count int) []Lag {
	reference = unwrap(reference, count)
	lags := make([]Lag, 0, len(player))
	for _, s := range player {
		now, _ := slices.BinarySearchFunc(reference, s.At, func(r Shown, at float64) int {
			if r.At <= at {
				return -1
			}
			return 1
		})
		if s.Number < 0 || now == 0 {
			continue
		}
		latest := reference[now-1].Number
		number := latest + near(s.Number-latest, count)
		i, _ := slices.BinarySearchFunc(reference, number, func(r Shown, n int) int { return r.Number - n })
		if i < len(reference) {
			lags = append(lags, Lag{At: s.At, Lag: s.At - reference[i].At})
		}
	}
	return lags
}

// unwrap makes the numbers go on.
func unwrap(shown []Shown, count int) []Shown {
	out := make([]Shown, 0, len(shown))
	for _, s := range shown {
		if s.Number < 0 {
			continue
		}
		if n := len(out); n > 0 {
			s.Number = out[n-1].Number + near(s.Number-out[n-1].Number, count)
		}
		out = append(out, s)
	}
	return out
}

// near is d modulo count, in the half of it on each side of 0.
func near(d, count int) int {
	return ((d+count/2)%count+count)%count - count/2
}

// What live is: a moving picture that is not much behind, and stays so. Two
// cores show 22 to 28 pictures a second of the 30 they decode, and fewer when
// they are busy with something else.
const (
	liveLag    = 100  // ms
	liveStays  = 1000 // ms
	liveMoving = 10   // pictures in that time
)

// Live returns when a player began to be live; NaN if it never was.
func Live(lags []Lag) float64 {
	for i := range lags {
		if lags[i].Lag > liveLag {
			continue
		}
		j := i
		for j < len(lags) && lags[j].Lag <= liveLag && lags[j].At < lags[i].At+liveStays {
			j++
		}
		if j < len(lags) && lags[j].At >= lags[i].At+liveStays && j-i >= liveMoving {
			return lags[i].At
		}
	}
	return math.NaN()
}

// LagAt is the median lag of the second around a time; NaN if there was no
// picture.
func LagAt(lags []Lag, at float64) float64 {
	var lagging []float64
	for _, l := range lags {
		if math.Abs(l.At-at) <= 500 {
			lagging = append(lagging, l.Lag)
		}
	}
	if len(lagging) == 0 {
		return math.NaN()
	}
	slices.Sort(lagging)
	return lagging[len(lagging)/2]
}
