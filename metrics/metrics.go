// Package metrics holds every series Sluice exports, in one place.
//
// The stages report through handles: one per stream and stage, whose Close
// deletes its series, and one per process for what belongs to no stream.
// Labels are bounded: a stream's public name and small fixed sets, never a
// session or an address. The package starts no goroutine.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics holds all collectors. Its methods may be called from any goroutine.
type Metrics struct {
	ingest    ingestVecs
	transcode transcodeVecs
	egress    egressVecs
	signal    signalVecs
	tls       tlsVecs
	access    accessVecs
	turn      turnVecs
}

// New registers every series with reg, together with the process and Go
// runtime collectors. It panics if reg already holds one of them, as
// prometheus.MustRegister does: that is a programming error.
func New(reg prometheus.Registerer) *Metrics {
	reg.MustRegister(
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(),
	)
	return &Metrics{
		ingest:    newIngestVecs(reg),
		transcode: newTranscodeVecs(reg),
		egress:    newEgressVecs(reg),
		signal:    newSignalVecs(reg),
		tls:       newTLSVecs(reg),
		access:    newAccessVecs(reg),
		turn:      newTURNVecs(reg),
	}
}

// Handler serves what g gathers in the Prometheus and OpenMetrics formats.
func Handler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// series builds and registers vectors of one part of Sluice.
type series struct {
	reg  prometheus.Registerer
	part string
}

func (s series) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "sluice", Subsystem: s.part, Name: name, Help: help,
	}, labels)
	s.reg.MustRegister(v)
	return v
}

func (s series) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "sluice", Subsystem: s.part, Name: name, Help: help,
	}, labels)
	s.reg.MustRegister(v)
	return v
}

func (s series) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "sluice", Subsystem: s.part, Name: name, Help: help, Buckets: buckets,
	}, labels)
	s.reg.MustRegister(v)
	return v
}

// streamVec is what all vectors with a stream label have in common.
type streamVec interface {
	DeletePartialMatch(prometheus.Labels) int
}

func deleteStream(stream string, vecs ...streamVec) {
	deleteSeries(prometheus.Labels{"stream": stream}, vecs...)
}

func deleteSeries(labels prometheus.Labels, vecs ...streamVec) {
	for _, v := range vecs {
		v.DeletePartialMatch(labels)
	}
}
