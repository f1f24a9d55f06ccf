package browser

import (
	"math"
	"testing"
)

// show makes pictures from one time to another, 30 a second, later than the
// reference by late ms.
func show(from, to int, late float64) []Shown {
	const count = 960
	var shown []Shown
	for n := from; n < to; n++ {
		shown = append(shown, Shown{At: float64(n)*1000/30 + late, Number: n % count})
	}
	return shown
}

func TestLags(t *testing.T) {
	reference := show(0, 2000, 0)
	for _, c := range []struct {
		name     string
		shown    []Shown
		live, at float64 // at 45 s
	}{
		{"in step, over the end of the numbers", show(900, 2000, 0), 30000, 0},
		{"behind for good", show(900, 1900, 150), math.NaN(), 150},
		{"catching up", append(show(900, 930, 500), show(930, 1900, 20)...), 31020, 20},
		{"live for a moment", append(show(900, 915, 0), show(915, 1900, 200)...), math.NaN(), 200},
		{"a still picture", show(900, 901, 0), math.NaN(), math.NaN()},
		{"no numbers", []Shown{{At: 30000, Number: -1}}, math.NaN(), math.NaN()},
		{"ahead", show(900, 1900, -10), 29990, -10},
	} {
		t.Run(c.name, func(t *testing.T) {
			lags := Lags(reference, c.shown, 960)
			if live := Live(lags); math.Abs(live-c.live) > 0.01 || math.IsNaN(live) != math.IsNaN(c.live) {
				t.Errorf("live at %v, want %v", live, c.live)
			}
			if lag := LagAt(lags, 45000); math.Abs(lag-c.at) > 0.01 || math.IsNaN(lag) != math.IsNaN(c.at) {
				t.Errorf("lag %v, want %v", lag, c.at)
			}
		})
	}
}
