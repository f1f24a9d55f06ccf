package metrics

import "github.com/prometheus/client_golang/prometheus"

type turnVecs struct {
	relays  *prometheus.GaugeVec
	refused *prometheus.CounterVec
	bytes   *prometheus.CounterVec
}

func newTURNVecs(reg prometheus.Registerer) turnVecs {
	s := series{reg, "turn"}
	return turnVecs{
		relays:  s.gauge("relays", "TURN allocations now open."),
		refused: s.counter("refusals_total", "What TURN clients were refused, by reason.", "reason"),
		bytes:   s.counter("relayed_bytes_total", "Payload bytes relayed, to clients or from them.", "direction"),
	}
}

// TURN is the handle of the TURN server.
type TURN struct {
	Relays prometheus.Gauge

	// ToClients and FromClients count bytes.
	ToClients, FromClients prometheus.Counter

	vecs *turnVecs
}

// TURN returns the handle of the TURN server.
func (m *Metrics) TURN() TURN {
	v := &m.turn
	return TURN{
		Relays:      v.relays.WithLabelValues(),
		ToClients:   v.bytes.WithLabelValues("to_client"),
		FromClients: v.bytes.WithLabelValues("from_client"),
		vecs:        v,
	}
}

// Refused counts a refusal; reason is one of a small fixed set that the caller
// defines as constants.
func (t TURN) Refused(reason string) { t.vecs.refused.WithLabelValues(reason).Inc() }
