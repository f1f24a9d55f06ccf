package egress

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/metrics"
)

// viewerMetrics are the counters that the viewers of a stream share, looked up
// once.
type viewerMetrics struct {
	*metrics.Egress
	dropped        map[DropReason]prometheus.Counter
	replays, waits map[string]prometheus.Counter

	joinConnected, joinKeyframe, joinAcked, joinLive prometheus.Observer
}

func newViewerMetrics(e *metrics.Egress, s metrics.Signal) *viewerMetrics {
	m := &viewerMetrics{
		Egress: e, dropped: map[DropReason]prometheus.Counter{},
		replays: map[string]prometheus.Counter{}, waits: map[string]prometheus.Counter{},
		joinConnected: s.JoinConnected, joinKeyframe: s.JoinKeyframe,
		joinAcked: s.JoinAcknowledged, joinLive: s.JoinLive,
	}
	for _, r := range []DropReason{DropQueueFull, DropWaitIDR, DropSuperseded, DropSendError} {
		m.dropped[r] = e.Dropped(string(r))
	}
	for _, c := range []string{causeJoin, causeRequest, causeNACK, causeOverflow} {
		m.replays[c] = e.Replays(c)
	}
	for _, w := range []string{
		waitConfigured, waitNoIDR, waitLongGOP, waitSoon, waitRate, waitSlowLink, waitUndecoded,
	} {
		m.waits[w] = e.Waits(w)
	}
	return m
}

// drop counts frames that were not sent.
func (m *viewerMetrics) drop(r DropReason, n int) { m.dropped[r].Add(float64(n)) }

// sent counts a frame that was.
func (m *viewerMetrics) sent(f *Frame, now time.Time) {
	packets, bytes, latency := m.VideoPackets, m.VideoBytes, m.VideoLatency
	if f.Kind == Audio {
		packets, bytes, latency = m.AudioPackets, m.AudioBytes, m.AudioLatency
	}
	packets.Add(float64(len(f.Payloads)))
	bytes.Add(float64(f.Size))
	latency.Observe(now.Sub(f.Arrival).Seconds())
}
