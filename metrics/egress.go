package metrics

import "github.com/prometheus/client_golang/prometheus"

type egressVecs struct {
	viewers *prometheus.GaugeVec
	packets *prometheus.CounterVec
	bytes   *prometheus.CounterVec
	dropped *prometheus.CounterVec
	nacks   *prometheus.CounterVec
	plis    *prometheus.CounterVec
	latency *prometheus.HistogramVec
	live    *prometheus.GaugeVec
	bFrames *prometheus.GaugeVec
}

func newEgressVecs(reg prometheus.Registerer) egressVecs {
	s := series{reg, "egress"}
	return egressVecs{
		viewers: s.gauge("viewers", "Viewers now connected.", "stream"),
		packets: s.counter("packets_total", "RTP packets sent to viewers.", "stream", "kind"),
		bytes:   s.counter("bytes_total", "RTP payload bytes sent to viewers.", "stream", "kind"),
		dropped: s.counter("dropped_frames_total", "Frames not sent to a viewer, by reason.", "stream", "reason"),
		nacks:   s.counter("nacks_total", "Packets that viewers reported as lost.", "stream"),
		plis:    s.counter("keyframe_requests_total", "Picture loss indications and full intra requests from viewers.", "stream"),
		latency: s.histogram("latency_seconds", "Time from a frame's arrival to its last packet having been sent to a viewer.", latencyBuckets(), "stream", "kind"),
		live:    s.gauge("live", "1 while a publisher is connected, 0 while its viewers wait for it to come back.", "stream"),
		bFrames: s.gauge("b_frames", "1 if the video has B-frames, which browsers cannot show smoothly.", "stream"),
	}
}

func latencyBuckets() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1}
}

// Egress is the handle of one live stream.
type Egress struct {
	Viewers                    prometheus.Gauge
	Live                       prometheus.Gauge
	BFrames                    prometheus.Gauge
	VideoPackets, AudioPackets prometheus.Counter
	VideoBytes, AudioBytes     prometheus.Counter
	VideoLatency, AudioLatency prometheus.Observer // seconds
	NACKs, KeyframeRequests    prometheus.Counter

	stream  string
	dropped *prometheus.CounterVec
	close   func()
}

// Egress makes the series of one live stream.
func (m *Metrics) Egress(stream string) *Egress {
	v := &m.egress
	return &Egress{
		Viewers:          v.viewers.WithLabelValues(stream),
		Live:             v.live.WithLabelValues(stream),
		BFrames:          v.bFrames.WithLabelValues(stream),
		VideoPackets:     v.packets.WithLabelValues(stream, "video"),
		AudioPackets:     v.packets.WithLabelValues(stream, "audio"),
		VideoBytes:       v.bytes.WithLabelValues(stream, "video"),
		AudioBytes:       v.bytes.WithLabelValues(stream, "audio"),
		VideoLatency:     v.latency.WithLabelValues(stream, "video"),
		AudioLatency:     v.latency.WithLabelValues(stream, "audio"),
		NACKs:            v.nacks.WithLabelValues(stream),
		KeyframeRequests: v.plis.WithLabelValues(stream),
		stream:           stream,
		dropped:          v.dropped,
		close: func() {
			deleteStream(stream, v.viewers, v.live, v.bFrames, v.packets, v.bytes, v.dropped, v.nacks, v.plis, v.latency)
		},
	}
}

// Dropped returns the counter of frames not sent for a reason, one of a small
// fixed set that the caller defines as constants.
func (e *Egress) Dropped(reason string) prometheus.Counter {
	return e.dropped.WithLabelValues(e.stream, reason)
}

// Close deletes the stream's series.
func (e *Egress) Close() { e.close() }
