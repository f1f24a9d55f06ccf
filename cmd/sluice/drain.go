package main

import "time"

// drain lets nobody new publish or watch, and ends the gateway when its last
// publisher has gone, at the latest at an instant.
func (g *gateway) drain(until time.Time) {
	g.logger.Info("draining", "until", until.Round(time.Second))
	g.phase.set(draining)
	g.seats.Shut()
	g.until.Store(&until)
}

// drained reports whether a drain is over. Without a publisher viewers wait in
// vain: none may come.
func (g *gateway) drained(now time.Time) bool {
	until := g.until.Load()
	return until != nil && (now.After(*until) || len(g.seats.Holders()) == 0)
}
