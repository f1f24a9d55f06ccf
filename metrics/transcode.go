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
		restarts:  s.counter("restarts_total", "ffmpeg processes replaced after they died or stalled.", "stream"),
		dropped:   s.counter("dropped_frames_total", "Audio frames that were not encoded, by reason.", "stream", "reason"),
		queue:     s.gauge("queue_frames", "Audio frames written to ffmpeg whose packets have not come back.", "stream"),
		delay:     s.histogram("delay_seconds", "Time from the arrival of the AAC frame that completes an Opus packet to the packet's return.", latencyBuckets(), "stream"),
		failed:    s.gauge("failed", "1 while audio is given up after repeated deaths of ffmpeg.", "stream"),
		processes: s.gauge("processes", "ffmpeg processes now running, spares included."),
	}
}

// Transcode is the handle of one stream's audio encoder.
type Transcode struct {
	Restarts prometheus.Counter
	Queue    prometheus.Gauge
	Delay    prometheus.Observer // seconds
	Failed   prometheus.Gauge

	stream  string
	dropped *prometheus.CounterVec
	close   func()
}

// Transcode makes the series of one stream's audio encoder.
func (m *Metrics) Transcode(stream string) *Transcode {
	v := &m.transcode
	return &Transcode{
		Restarts: v.restarts.WithLabelValues(stream),
		Queue:    v.queue.WithLabelValues(stream),
		Delay:    v.delay.WithLabelValues(stream),
		Failed:   v.failed.WithLabelValues(stream),
		stream:   stream,
		dropped:  v.dropped,
		close: func() {
			deleteStream(stream, v.restarts, v.dropped, v.queue, v.delay, v.failed)
		},
	}
}

// Dropped counts an audio frame that was not encoded; reason is one of a small
// fixed set that the caller defines as constants.
func (t *Transcode) Dropped(reason string) { t.dropped.WithLabelValues(t.stream, reason).Inc() }

// Close deletes the stream's series.
func (t *Transcode) Close() { t.close() }

// Processes is the number of ffmpeg processes now running.
func (m *Metrics) Processes() prometheus.Gauge { return m.transcode.processes.WithLabelValues() }
