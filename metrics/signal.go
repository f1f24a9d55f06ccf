package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type doorVecs struct {
	requests *prometheus.CounterVec
	sessions *prometheus.GaugeVec
	ended    *prometheus.CounterVec
	refused  *prometheus.CounterVec
}

func newDoorVecs(s series, protocol string) doorVecs {
	return doorVecs{
		requests: s.counter("requests_total", protocol+" requests by method and status code.", "method", "status"),
		sessions: s.gauge("sessions", protocol+" sessions now open."),
		ended:    s.counter("sessions_ended_total", protocol+" sessions ended, by reason.", "reason"),
		refused:  s.counter("refusals_total", protocol+" requests refused because of what their address did before, by reason.", "reason"),
	}
}

type signalVecs struct {
	whep, whip doorVecs
	join       *prometheus.HistogramVec
}

func newSignalVecs(reg prometheus.Registerer) signalVecs {
	s := series{reg, "whep"}
	return signalVecs{
		whep: newDoorVecs(s, "WHEP"),
		whip: newDoorVecs(series{reg, "whip"}, "WHIP"),
		join: s.histogram("join_seconds", "Time from a WHEP POST to a stage of the join.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 4, 8, 16}, "stage"),
	}
}

// Door is the handle of WHEP's or WHIP's signalling.
type Door struct {
	Sessions prometheus.Gauge

	vecs *doorVecs
}

func (v *doorVecs) door() Door { return Door{v.sessions.WithLabelValues(), v} }

// WHIP returns the handle of WHIP signalling.
func (m *Metrics) WHIP() Door { return m.signal.whip.door() }

// Signal is the handle of WHEP signalling.
type Signal struct {
	Door

	// Join observes seconds from the POST to: the answer sent, DTLS done, the
	// first IDR sent, its last packet acknowledged by a receiver report, the
	// replay caught up with live.
	JoinAnswered, JoinConnected, JoinKeyframe, JoinAcknowledged, JoinLive prometheus.Observer
}

// Signal returns the handle of WHEP signalling.
func (m *Metrics) Signal() Signal {
	v := &m.signal
	return Signal{
		Door:             v.whep.door(),
		JoinAnswered:     v.join.WithLabelValues("answered"),
		JoinConnected:    v.join.WithLabelValues("connected"),
		JoinKeyframe:     v.join.WithLabelValues("keyframe"),
		JoinAcknowledged: v.join.WithLabelValues("acknowledged"),
		JoinLive:         v.join.WithLabelValues("live"),
	}
}

// Request counts one request. Methods outside HTTP's usual ones are counted as
// "other", so that a client cannot make series.
func (d Door) Request(method string, status int) {
	switch method {
	case "GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT":
	default:
		method = "other"
	}
	d.vecs.requests.WithLabelValues(method, strconv.Itoa(status)).Inc()
}

// Ended counts the end of a session; reason is one of a small fixed set that
// the caller defines as constants.
func (d Door) Ended(reason string) { d.vecs.ended.WithLabelValues(reason).Inc() }

// Refused counts a request that a limit of its address refused; reason is one of
// a small fixed set that the caller defines as constants.
func (d Door) Refused(reason string) { d.vecs.refused.WithLabelValues(reason).Inc() }

// Since observes the seconds that have passed since start.
func Since(o prometheus.Observer, start time.Time) { o.Observe(time.Since(start).Seconds()) }
