//go:build linux

package load

import (
	"slices"
	"time"
)

// Quantiles sum up durations, in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Measures is what an audience saw since Mark.
type Measures struct {
	Viewers int `json:"viewers"`
	Sent    int `json:"sent"` // packets, by their sequence numbers
	Lost    int `json:"lost"`
	Losers  int `json:"losers"` // viewers who lost any

	// From the publisher's stamp to the arrival of a frame's last packet.
	Frames int       `json:"frames"`
	Delay  Quantiles `json:"delay"`
	First  Quantiles `json:"first"` // of the tenth of the viewers that joined first
	Last   Quantiles `json:"last"`  // and of that which joined last

	// Of the joins, from the POST.
	Answered  Quantiles `json:"answered"`
	Connected Quantiles `json:"connected"`
	Media     Quantiles `json:"media"`
}

// Measure sums up. Packets that are still on their way count as if they were
// lost only where a later one has come.
func (a *Audience) Measure() Measures {
	a.reader.mu.Lock()
	defer a.reader.mu.Unlock()
	m := Measures{Viewers: len(a.viewers)}
	tenth := (len(a.viewers) + 9) / 10
	var all, first, last, answered, connected, media []time.Duration
	for i, v := range a.viewers {
		lost := 0
		for _, t := range []*track{&v.video, &v.audio} {
			sent, received := t.since()
			m.Sent += sent
			lost += max(0, sent-received)
		}
		m.Lost += lost
		if lost > 0 {
			m.Losers++
		}
		m.Frames += len(v.frames.delays)
		all = append(all, v.frames.delays...)
		if i < tenth {
			first = append(first, v.frames.delays...)
		}
		if i >= len(a.viewers)-tenth {
			last = append(last, v.frames.delays...)
		}
		if v.agent.remote == nil {
			continue // never joined
		}
		answered = append(answered, v.times.Answered)
		connected = append(connected, v.times.Connected)
		media = append(media, v.times.Media)
	}
	m.Delay, m.First, m.Last = quantiles(all), quantiles(first), quantiles(last)
	m.Answered, m.Connected, m.Media = quantiles(answered), quantiles(connected), quantiles(media)
	return m
}

func quantiles(d []time.Duration) Quantiles {
	if len(d) == 0 {
		return Quantiles{}
	}
	slices.Sort(d)
	at := func(q float64) float64 {
		return float64(d[int(q*float64(len(d)-1))].Microseconds()) / 1000
	}
	return Quantiles{P50: at(0.5), P99: at(0.99), Max: at(1)}
}
