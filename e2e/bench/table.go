//go:build linux

package main

import (
	"fmt"
	"strings"
)

// header names the columns of row.
const header = `
                  CPU ms/   of one   each     µs/  packets/s                wake-  MiB of  KiB/    go/  join CPU    join, ms         frame delay, ms         first   last
server    viewers viewer-s   alone   more  packet  per core   CPU   fps   ups/s     one viewer viewer     ms      p50    p99     p50     p99     max     p50    p50  lost`

// row is a result in one line.
func (r result) row() string {
	a, name := r.Audience, r.Server
	if strings.Contains(name, "/") {
		name = "other"
	}
	return fmt.Sprintf("%-9s %7d %8.2f %7.1f %6.2f %7.2f %9.0f %5.2f %5.1f %7.0f %7.1f %6.0f %6.1f %8.2f %9.1f %6.1f %7.2f %7.2f %7.1f %7.2f %6.2f  %d of %d",
		name, r.Viewers, r.PerViewer, r.Alone, r.PerMore, r.PerPacket, r.Packets/r.CPU, r.CPU, r.FPS, r.Wakeups, float64(r.RSSAlone)/1024, r.RSSEach, r.Goroutines, r.JoinCPU,
		a.Media.P50, a.Media.P99, a.Delay.P50, a.Delay.P99, a.Delay.Max, a.First.P50, a.Last.P50, a.Lost, a.Sent)
}

// ratios compares Sluice with the others at each number of viewers, by what a
// packet costs: a server that cannot keep up sends less, and so would seem
// cheaper by the viewer.
func ratios(results []result) string {
	var b strings.Builder
	for _, s := range results {
		if s.Server != "sluice" {
			continue
		}
		for _, r := range results {
			if r.Viewers != s.Viewers {
				continue
			}
			switch r.Server {
			case "plain":
				fmt.Fprintf(&b, "%d viewers: plain uses %.1f times the CPU time of sluice for a packet\n", s.Viewers, r.PerPacket/s.PerPacket)
			case "floor":
				fmt.Fprintf(&b, "%d viewers: sluice uses %.2f times the CPU time of the floor for a packet\n", s.Viewers, s.PerPacket/r.PerPacket)
			}
		}
	}
	return b.String()
}
