//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/relay"
	"github.com/sluice-media/sluice/e2e/server"
)

const blackout = 300 * time.Millisecond

// recovery is what a viewer saw after a blackout, in milliseconds after its
// end; NaN is never.
type recovery struct{ moving, live float64 }

// relayed lets a viewer join through a relay and waits until it is live.
func (n *numbered) relayed(roundTrip time.Duration) (string, *relay.Relay) {
	n.tb.Helper()
	r := relay.Start(n.tb, n.UDP, roundTrip)
	name := n.player(r.Port)
	n.shows(name, 10*time.Second)
	watch(n.tb, 5*time.Second)
	return name, r
}

// blackout takes a viewer's packets away in the middle of a GOP.
func (n *numbered) blackout(name string, r *relay.Relay) recovery {
	n.tb.Helper()
	n.waitPicture(n.gop / 2)
	start := time.Now()
	r.Blackout(blackout)
	watch(n.tb, 4*time.Second)
	lags := n.seen(name, start.Add(blackout)).lags
	end := float64(start.Add(blackout).UnixMilli())
	rec := recovery{moving: math.NaN(), live: browser.Live(lags) - end}
	if len(lags) > 0 {
		rec.moving = lags[0].At - end
	}
	return rec
}

// TestBlackout takes 300 ms of a viewer's packets away, four seconds after the
// last IDR and four before the next.
func TestBlackout(t *testing.T) {
	n := watchNumbered(t, 240)
	name, r := n.relayed(0)
	attempts(t, func() error {
		before, others := n.Scrape(), n.Reading(longTime)
		var live []float64
		for range 3 {
			rec := n.blackout(name, r)
			t.Logf("moving after %.0f ms, live after %.0f ms", rec.moving, rec.live)
			live = append(live, rec.live)
		}
		t.Logf("the viewer: %v; %s", n.Reading(name), repairs(n.Scrape().Since(before)))
		if median := percentile(live, 50); !(median < 1500) {
			return fmt.Errorf("live %.0f ms after a blackout at the median", median)
		}
		if now := n.Reading(longTime); now.Lost != others.Lost || now.NACKs != others.NACKs || now.PLIs != others.PLIs {
			return fmt.Errorf("another viewer saw something of it: %v before, %v after", others, now)
		}
		return nil
	})
}

// repairs is what the server did about losses.
func repairs(m server.Metrics) string {
	text := fmt.Sprintf("%.0f packets reported lost, %.0f sent again, %.0f not; %.0f keyframe requests; replays",
		m.Sum("sluice_egress_nacks_total"), m.Sum("sluice_egress_retransmitted_packets_total"),
		m.Sum("sluice_egress_unrepaired_packets_total"), m.Sum("sluice_egress_keyframe_requests_total"))
	for series, v := range m {
		for _, name := range []string{"sluice_egress_replays_total", "sluice_egress_idr_waits_total"} {
			if v > 0 && len(series) > len(name) && series[:len(name)] == name {
				text += fmt.Sprintf(" %.0f %s", v, series[len(name):])
			}
		}
	}
	return text
}

// BenchmarkBlackout takes the packets away ten times.
func BenchmarkBlackout(b *testing.B) {
	for _, roundTrip := range []time.Duration{0, 20 * time.Millisecond, 80 * time.Millisecond} {
		for _, mode := range modes {
			b.Run(fmt.Sprintf("rtt=%v/%s", roundTrip, mode.name), func(b *testing.B) {
				n := watchNumbered(b, 240, mode.flags...)
				name, r := n.relayed(roundTrip)
				others := n.Reading(longTime)
				var moving, live []float64
				for range b.N {
					for range 10 {
						before := n.Scrape()
						rec := n.blackout(name, r)
						b.Logf("moving after %.0f ms, live after %.0f ms: %s", rec.moving, rec.live, repairs(n.Scrape().Since(before)))
						moving, live = append(moving, rec.moving), append(live, rec.live)
					}
				}
				now := n.Reading(longTime)
				b.ReportMetric(0, "ns/op") // means nothing here
				b.ReportMetric(percentile(moving, 50), "moving-ms/p50")
				b.ReportMetric(percentile(live, 50), "live-ms/p50")
				b.ReportMetric(percentile(live, 95), "live-ms/p95")
				b.ReportMetric(float64(now.Freezes-others.Freezes), "others-freezes")
				b.ReportMetric(float64(now.Lost-others.Lost+now.NACKs-others.NACKs), "others-losses")
			})
		}
	}
}

// BenchmarkLoss loses packets at random, of both directions. What is shown of
// the stream's pictures, and how they look, is compared with the long-time
// viewer's, whose packets all come.
func BenchmarkLoss(b *testing.B) {
	for _, roundTrip := range []time.Duration{20 * time.Millisecond, 80 * time.Millisecond} {
		for _, percent := range []int{1, 3, 5} {
			for _, mode := range modes {
				b.Run(fmt.Sprintf("rtt=%v/loss=%d%%/%s", roundTrip, percent, mode.name), func(b *testing.B) {
					n := watchNumbered(b, 240, mode.flags...)
					name, r := n.relayed(roundTrip)
					for range b.N {
						n.lossy(b, name, r, float64(percent)/100)
					}
				})
			}
		}
	}
}

func (n *numbered) lossy(b *testing.B, name string, r *relay.Relay, share float64) {
	const length = 30 * time.Second
	metrics, before := n.Scrape(), n.Reading(name)
	start := time.Now()
	r.Lose(share)
	watch(b, length)
	r.Lose(0)
	minutes := time.Since(start).Minutes()
	after := n.Reading(name)
	delays := n.seen(name, start).delays
	shown, all := n.Compare(name, longTime, start), n.Compare(longTime, longTime, start).Shown
	b.Logf("from %v to %v; %s; %+v", before, after, repairs(n.Scrape().Since(metrics)), shown)
	b.ReportMetric(0, "ns/op") // means nothing here
	b.ReportMetric(float64(after.Freezes-before.Freezes)/minutes, "freezes/min")
	b.ReportMetric((after.FreezeSeconds-before.FreezeSeconds)/minutes, "frozen-s/min")
	b.ReportMetric(float64(after.Decoded-before.Decoded)/minutes/60, "fps")
	b.ReportMetric(100*float64(after.Concealed-before.Concealed)/48000/(minutes*60), "concealed-%")
	b.ReportMetric(100*float64(shown.Shown)/float64(all), "shown-%")
	b.ReportMetric(100*float64(shown.Different)/float64(shown.Compared), "damaged-%")
	b.ReportMetric(shown.WorstPSNR, "worst-dB")
	b.ReportMetric(browser.LagAt(delays, float64(time.Now().UnixMilli()-1000)), "glass-ms")
}
