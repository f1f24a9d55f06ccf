package metrics

import "github.com/prometheus/client_golang/prometheus"

type transcodeVecs struct {
	restarts  *prometheus.CounterVec
	dropped   *prometheus.CounterVec
	queue     *prometheus.GaugeVec
	delay     *prometheus.HistogramVec
	failed    *prometheus.GaugeVec
	processes *prometheus.GaugeVec
}

func newTranscodeVecs(reg prometheus.Registerer) transcodeVecs {
	s := series{reg, "transcode"}
	return transcodeVecs{
		restarts:  s.counter("restarts_total", "ffmpeg processes replaced after they died or stalled.", "stream", "kind"),
		dropped:   s.counter("dropped_frames_total", "Frames that were not encoded, by reason.", "stream", "kind", "reason"),
		queue:     s.gauge("queue_frames", "Frames written to ffmpeg that have not come back encoded.", "stream", "kind"),
		delay:     s.histogram("delay_seconds", "Time from the arrival of the frame that lets ffmpeg return another to its return.", latencyBuckets(), "stream", "kind"),
		failed:    s.gauge("failed", "1 while encoding is given up after repeated deaths of ffmpeg.", "stream", "kind"),
		processes: s.gauge("processes", "ffmpeg processes now running, spares included.", "kind"),
	}
}

// Transcode is the handle of one encoder of a stream.
type Transcode struct {
	Restarts prometheus.Counter
	Queue    prometheus.Gauge
	Delay    prometheus.Observer // seconds
	Failed   prometheus.Gauge

	stream, kind string
	dropped      *prometheus.CounterVec
	close        func()
}

// Transcode makes the series of one encoder of a stream; kind is audio or
// video.
func (m *Metrics) Transcode(stream, kind string) *Transcode {
	v := &m.transcode
	return &Transcode{
		Restarts: v.restarts.WithLabelValues(stream, kind),
		Queue:    v.queue.WithLabelValues(stream, kind),
		Delay:    v.delay.WithLabelValues(stream, kind),
		Failed:   v.failed.WithLabelValues(stream, kind),
		stream:   stream,
		kind:     kind,
		dropped:  v.dropped,
		close: func() {
			deleteSeries(prometheus.Labels{"stream": stream, "kind": kind}, v.restarts, v.dropped, v.queue, v.delay, v.failed)
		},
	}
}

// Dropped counts a frame that was not encoded; reason is one of a small fixed
// set that the caller defines as constants.
func (t *Transcode) Dropped(reason string) {
	t.dropped.WithLabelValues(t.stream, t.kind, reason).Inc()
}

// Close deletes the encoder's series.
func (t *Transcode) Close() { t.close() }

// Processes is the number of ffmpeg processes of a kind that now run.
func (m *Metrics) Processes(kind string) prometheus.Gauge {
	return m.transcode.processes.WithLabelValues(kind)
}
