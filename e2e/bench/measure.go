//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/e2e/load"
)

// settleTime is how long after the last join measuring begins: replays are
// over, and the garbage of the joins has been collected.
const settleTime = 4 * time.Second

// result is one line of the table.
type result struct {
	Server  string  `json:"server"`
	Viewers int     `json:"viewers"`
	Seconds float64 `json:"seconds"`

	CPU       float64 `json:"cpu"`       // cores
	PerViewer float64 `json:"perViewer"` // ms of CPU time a viewer and second
	Alone     float64 `json:"alone"`     // ms of CPU time a second with one viewer
	PerMore   float64 `json:"perMore"`   // ms of CPU time a second for each beyond the first
	PerPacket float64 `json:"perPacket"` // µs of CPU time
	Packets   float64 `json:"packets"`   // a second
	FPS       float64 `json:"fps"`       // whole frames a viewer and second; 30 if the server keeps up
	Waited    float64 `json:"waited"`    // cores that were missing: threads ready to run
	Wakeups   float64 `json:"wakeups"`   // of threads, a second

	RSS        int     `json:"rss"`        // KiB
	RSSAlone   int     `json:"rssAlone"`   // KiB, with one viewer
	RSSEach    float64 `json:"rssEach"`    // KiB a viewer beyond the first
	Private    int     `json:"private"`    // KiB
	Goroutines float64 `json:"goroutines"` // a viewer beyond the first; 0: not known
	JoinCPU    float64 `json:"joinCPU"`    // ms of CPU time a join
	Visitors   int     `json:"visitors"`   // who came and went meanwhile

	Audience load.Measures `json:"audience"`
}

// measure runs one server with n viewers.
func measure(ctx context.Context, o *options, clip *load.Clip, name string, n int) (r result, err error) {
	t, err := startTarget(o, name)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &session{options: o, target: t, viewers: n}
	if t.whep == "" {
		err = s.sinks()
	} else {
		err = s.join(ctx, cancel, clip)
	}
	if s.audience != nil {
		defer s.audience.Close()
	}
	if err != nil {
		return r, err
	}
	if r, err = s.watch(ctx); err != nil {
		return r, err
	}
	r.Server = name
	return r, context.Cause(ctx)
}

// session is one measurement.
type session struct {
	options  *options
	target   *target
	viewers  int
	audience *load.Audience

	first, alone, full    usage // with one viewer, from and to; when all have joined
	aloneCount, fullCount int   // goroutines
}

// sinks makes the receivers of the floor.
func (s *session) sinks() (err error) {
	if s.audience, err = load.NewAudience("http://127.0.0.1", s.options.traits); err != nil {
		return err
	}
	key, salt := floorKey()
	addrs, err := s.audience.Sinks(s.viewers, key, salt)
	if err != nil {
		return err
	}
	return json.NewEncoder(s.target.input).Encode(addrs)
}

// join publishes and brings the viewers.
func (s *session) join(ctx context.Context, cancel context.CancelCauseFunc, clip *load.Clip) (err error) {
	t := s.target
	starting, done := context.WithTimeout(ctx, startTime)
	defer done()
	if err := t.reachable(starting); err != nil {
		return err
	}
	if t.rtmp != "" {
		go func() { cancel(t.publish(ctx, clip)) }()
	}
	if s.audience, err = load.NewAudience(t.whep, s.options.traits); err != nil {
		return err
	}
	if err := retry(starting, func() error { return s.audience.Join(ctx, 1, 1) }); err != nil {
		return err
	}
	if err := sleep(ctx, settleTime/4); err != nil {
		return err
	}
	if s.first, err = usageOf(t.pid); err != nil {
		return err
	}
	if err := sleep(ctx, settleTime); err != nil {
		return err
	}
	var oneErr, manyErr error
	s.alone, oneErr = usageOf(t.pid)
	s.aloneCount, manyErr = goroutines(t.admin)
	if err := errors.Join(oneErr, manyErr); err != nil {
		return err
	}
	if err := s.audience.Join(ctx, s.viewers-1, s.options.rate); err != nil {
		return err
	}
	s.full, err = usageOf(t.pid)
	return err
}

// watch measures when all have joined.
func (s *session) watch(ctx context.Context) (r result, err error) {
	if err := sleep(ctx, settleTime); err != nil {
		return r, err
	}
	if s.fullCount, err = goroutines(s.target.admin); err != nil {
		return r, err
	}
	before, err := usageOf(s.target.pid)
	if err != nil {
		return r, err
	}
	s.audience.Mark()
	if r.Visitors, err = s.pass(ctx); err != nil {
		return r, err
	}
	r.Audience = s.audience.Measure()
	after, err := usageOf(s.target.pid)
	if err != nil {
		return r, err
	}
	s.sum(&r, before, after)
	return r, nil
}

// pass lets the time go by, with visitors if there shall be any.
func (s *session) pass(ctx context.Context) (visitors int, err error) {
	if s.options.churn == 0 {
		return 0, sleep(ctx, s.options.length)
	}
	ctx, done := context.WithTimeout(ctx, s.options.length)
	defer done()
	return s.audience.Churn(ctx, s.options.churn)
}

func (s *session) sum(r *result, before, after usage) {
	span := after.at.Sub(before.at)
	cpu, n := after.cpu-before.cpu, float64(s.viewers)
	r.Viewers, r.Seconds = s.viewers, span.Seconds()
	r.CPU = cpu.Seconds() / span.Seconds()
	r.PerViewer = 1000 * r.CPU / n
	r.Packets = float64(r.Audience.Sent) / span.Seconds()
	r.PerPacket = 1e6 * r.CPU / r.Packets
	r.FPS = float64(r.Audience.Frames) / span.Seconds() / n
	r.Waited = (after.waited - before.waited).Seconds() / span.Seconds()
	r.Wakeups = float64(after.wakeups-before.wakeups) / span.Seconds()
	r.RSS, r.Private = after.rss, after.private
	if more := n - 1; more > 0 && !s.full.at.IsZero() {
		r.RSSAlone = s.alone.rss
		r.Alone = 1000 * (s.alone.cpu - s.first.cpu).Seconds() / s.alone.at.Sub(s.first.at).Seconds()
		r.PerMore = (1000*r.CPU - r.Alone) / more
		r.RSSEach = float64(after.rss-s.alone.rss) / more
		r.Goroutines = float64(s.fullCount-s.aloneCount) / more
		// Those who joined earlier were watching meanwhile: half of all, on
		// average.
		joining := s.full.at.Sub(s.alone.at).Seconds()
		r.JoinCPU = 1000 * ((s.full.cpu - s.alone.cpu).Seconds() - joining*r.CPU/2) / more
	}
}

// sleep waits, and says why it was cut short.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
}
