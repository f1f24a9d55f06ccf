package metrics

import "github.com/prometheus/client_golang/prometheus"

type accessVecs struct {
	denials *prometheus.CounterVec
	hooks   *prometheus.CounterVec
}

func newAccessVecs(reg prometheus.Registerer) accessVecs {
	s := series{reg, "access"}
	return accessVecs{
		denials: s.counter("denials_total", "Publishers and viewers that were not let in, by reason.", "action", "reason"),
		hooks:   s.counter("hook_calls_total", "Calls of hooks by what came of them: allowed, denied, or failed, tries again included.", "call", "result"),
	}
}

// Access is the handle of who is let in.
type Access struct{ vecs *accessVecs }

// Access returns the handle of who is let in.
func (m *Metrics) Access() Access { return Access{&m.access} }

// Denied counts one who wanted to "publish" or to "play" and may not; reason is
// one of a small fixed set.
func (a Access) Denied(action, reason string) { a.vecs.denials.WithLabelValues(action, reason).Inc() }

// Hook counts one call of a hook and its result, "allowed", "denied" or "failed".
func (a Access) Hook(call, result string) { a.vecs.hooks.WithLabelValues(call, result).Inc() }
