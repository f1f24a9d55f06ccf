package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type signalVecs struct {
	requests *prometheus.CounterVec
	sessions *prometheus.GaugeVec
	join     *prometheus.HistogramVec
	ended    *prometheus.CounterVec
}

func newSignalVecs(reg prometheus.Registerer) signalVecs {
	s := series{reg, "whep"}
	return signalVecs{
		requests: s.counter("requests_total", "WHEP requests by method and status code.", "method", "status"),
		sessions: s.gauge("sessions", "WHEP sessions now open."),
		join: s.histogram("join_seconds", "Time from a WHEP POST to a stage of the join.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 4, 8, 16}, "stage"),
		ended: s.counter("sessions_ended_total", "WHEP sessions ended, by reason.", "reason"),
	}
}

// Signal is the handle of WHEP signalling.
type Signal struct {
	Sessions prometheus.Gauge

	// Join observes seconds from the POST to: the answer sent, DTLS done, the
	// first IDR sent, its last packet acknowledged by a receiver report, the
	// replay caught up with live.
	JoinAnswered, JoinConnected, JoinKeyframe, JoinAcknowledged, JoinLive prometheus.Observer

	vecs *signalVecs
}

// Signal returns the handle of WHEP signalling.
func (m *Metrics) Signal() Signal {
	v := &m.signal
	return Signal{
		Sessions:         v.sessions.WithLabelValues(),
		JoinAnswered:     v.join.WithLabelValues("answered"),
		JoinConnected:    v.join.WithLabelValues("connected"),
		JoinKeyframe:     v.join.WithLabelValues("keyframe"),
		JoinAcknowledged: v.join.WithLabelValues("acknowledged"),
		JoinLive:         v.join.WithLabelValues("live"),
		vecs:             v,
	}
}

// Request counts one request. Methods outside HTTP's usual ones are counted as
// "other", so that a client cannot make series.
func (s Signal) Request(method string, status int) {
	switch method {
	case "GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT":
	default:
		method = "other"
	}
	s.vecs.requests.WithLabelValues(method, strconv.Itoa(status)).Inc()
}

// Ended counts the end of a session; reason is one of a small fixed set that
// the caller defines as constants.
func (s Signal) Ended(reason string) { s.vecs.ended.WithLabelValues(reason).Inc() }

// Since observes the seconds that have passed since start.
func Since(o prometheus.Observer, start time.Time) { o.Observe(time.Since(start).Seconds()) }
