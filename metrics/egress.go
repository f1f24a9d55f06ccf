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

	retransmitted *prometheus.CounterVec
	unrepaired    *prometheus.CounterVec
	redundant     *prometheus.CounterVec
	replays       *prometheus.CounterVec
	replayedBytes *prometheus.CounterVec
	waits         *prometheus.CounterVec
	recovery      *prometheus.HistogramVec
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
		bFrames: s.gauge("b_frames", "1 if the publisher's video has B-frames, which browsers cannot show unless it is re-encoded.", "stream"),

		retransmitted: s.counter("retransmitted_packets_total", "Packets sent over again because they were lost, the copies that follow included.", "stream"),
		unrepaired:    s.counter("unrepaired_packets_total", "Lost packets that could not be sent once more: too old, asked for too often, or over the budget.", "stream"),
		redundant:     s.counter("redundant_packets_total", "Packets of sound with a copy of the one before, for viewers who lose some.", "stream"),
		replays:       s.counter("replays_total", "Replays of the cached GOP to a viewer, by cause.", "stream", "cause"),
		replayedBytes: s.counter("replayed_bytes_total", "RTP payload bytes of replays.", "stream"),
		waits:         s.counter("idr_waits_total", "Times that a viewer was left to wait for the next IDR, by reason.", "stream", "reason"),
		recovery: s.histogram("recovery_seconds", "Time from the need of a replay to its last frame having been sent.",
			[]float64{.01, .025, .05, .1, .25, .5, 1, 2, 4, 8}, "stream"),
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
	Retransmitted, Unrepaired  prometheus.Counter
	Redundant                  prometheus.Counter
	ReplayedBytes              prometheus.Counter
	Recovery                   prometheus.Observer // seconds

	stream string
	vecs   *egressVecs
	close  func()
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
		Retransmitted:    v.retransmitted.WithLabelValues(stream),
		Unrepaired:       v.unrepaired.WithLabelValues(stream),
		Redundant:        v.redundant.WithLabelValues(stream),
		ReplayedBytes:    v.replayedBytes.WithLabelValues(stream),
		Recovery:         v.recovery.WithLabelValues(stream),
		stream:           stream,
		vecs:             v,
		close: func() {
			deleteStream(stream, v.viewers, v.live, v.bFrames, v.packets, v.bytes, v.dropped, v.nacks, v.plis, v.latency,
				v.retransmitted, v.unrepaired, v.redundant, v.replays, v.replayedBytes, v.waits, v.recovery)
		},
	}
}

// Dropped returns the counter of frames not sent for a reason, one of a small
// fixed set that the caller defines as constants.
func (e *Egress) Dropped(reason string) prometheus.Counter {
	return e.vecs.dropped.WithLabelValues(e.stream, reason)
}

// Replays returns the counter of replays for a cause, one of a small fixed
// set.
func (e *Egress) Replays(cause string) prometheus.Counter {
	return e.vecs.replays.WithLabelValues(e.stream, cause)
}

// Waits returns the counter of waits for an IDR for a reason, one of a small
// fixed set.
func (e *Egress) Waits(reason string) prometheus.Counter {
	return e.vecs.waits.WithLabelValues(e.stream, reason)
}

// Close deletes the stream's series.
func (e *Egress) Close() { e.close() }
