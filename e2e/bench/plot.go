//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The plot in pixels.
const (
	plotWidth, plotHeight = 720, 400
	plotLeft, plotBottom  = 60, 40
	plotRight, plotTop    = 90, 20
	plotLine              = 13 // of text
)

// plot draws the CPU time per viewer-second against the number of viewers, both
// on logarithmic scales, as SVG.
func plot(results []result) string {
	lowX, highX, lowY, highY := math.Inf(1), 0.0, math.Inf(1), 0.0
	var names []string
	lines := map[string][]result{}
	for _, r := range results {
		lowX, highX = min(lowX, float64(r.Viewers)), max(highX, float64(r.Viewers))
		lowY, highY = min(lowY, r.PerViewer), max(highY, r.PerViewer)
		if lines[r.Server] == nil {
			names = append(names, r.Server)
		}
		lines[r.Server] = append(lines[r.Server], r)
	}
	x := scale{lowX / 1.2, highX * 1.2, plotLeft, plotWidth - plotRight}
	y := scale{lowY / 1.5, highY * 1.5, plotHeight - plotBottom, plotTop}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, plotHeight)
	for _, v := range y.ticks() {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n",
			plotLeft, y.at(v), plotWidth-plotRight, plotLeft-6, y.at(v)+4, v)
	}
	for _, v := range x.ticks() {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n",
			x.at(v), plotTop, plotHeight-plotBottom, x.at(v), plotHeight-plotBottom+16, v)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">viewers</text>`+"\n", plotWidth/2, plotHeight-6)
	fmt.Fprintf(&b, `<text x="%d" y="%d">ms of CPU time per viewer and second</text>`+"\n", plotLeft+6, plotTop+12)
	colours := []string{"#1668c7", "#c73a16", "#777", "#2a8f3c", "#8a3ab9"}
	var taken []float64 // where there are names of lines
	for i, name := range names {
		colour, points := colours[i%len(colours)], ""
		for _, r := range lines[name] {
			points += fmt.Sprintf("%.1f,%.1f ", x.at(float64(r.Viewers)), y.at(r.PerViewer))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x.at(float64(r.Viewers)), y.at(r.PerViewer), colour)
		}
		last := lines[name][len(lines[name])-1]
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(points), colour)
		at := y.at(last.PerViewer) + 4
		for slices.ContainsFunc(taken, func(other float64) bool { return math.Abs(at-other) < plotLine }) {
			at += plotLine
		}
		taken = append(taken, at)
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" fill="%s">%s</text>`+"\n", x.at(float64(last.Viewers))+8, at, colour, name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// scale maps values from low to high, logarithmically, to pixels.
type scale struct{ low, high, from, to float64 }

func (s scale) at(v float64) float64 {
	return s.from + (s.to-s.from)*math.Log(v/s.low)/math.Log(s.high/s.low)
}

// ticks are the round numbers within.
func (s scale) ticks() (list []float64) {
	for decade := math.Pow(10, math.Floor(math.Log10(s.low))); decade <= s.high; decade *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := decade * m; v >= s.low && v <= s.high {
				list = append(list, v)
			}
		}
	}
	return list
}
