package egress

import "time"

// send writes frames and sender reports until the context ends.
func (v *Viewer) send() {
	now := time.Now()
	var video *playback
	if v.peer.video != nil {
		video = newPlayback(v, now)
	}
	reports := newReporter(v, now)
	hold := now.Add(startHold)
	timer := time.NewTimer(startHold)
	defer timer.Stop()
	var audio []*Frame
	for v.path.await(v.ctx) {
		audio = v.sendAudio(audio)
		now = time.Now()
		pause := reports.step(now)
		switch {
		case video == nil:
		case now.Before(hold):
			pause = min(pause, hold.Sub(now))
		default:
			pause = min(pause, video.step(now))
		}
		timer.Reset(pause)
		if pause == 0 && v.ctx.Err() == nil {
			continue
		}
		select {
		case <-v.ctx.Done():
			return
		case <-v.backlog.wake:
		case <-timer.C:
		case p := <-v.reports:
			if video != nil {
				video.feedback(p, time.Now())
			}
		}
	}
}

// sendAudio writes the audio that has come. It never waits behind a replay.
func (v *Viewer) sendAudio(buf []*Frame) []*Frame {
	buf = v.backlog.takeAudio(buf)
	if t := v.peer.audio; t != nil {
		for _, f := range buf {
			v.metrics.sent(f, t.send(f, t.timestamp(f.PTS), nil, time.Time{}))
		}
	}
	clear(buf)
	return buf
}

// reporter sends the sender reports of a viewer's tracks, all for the same
// instant: at once after a track's first packet, then regularly.
type reporter struct {
	viewer  *Viewer
	tracks  []*track
	started int // tracks that have sent
	sent    int
	next    time.Time
}

func newReporter(v *Viewer, now time.Time) *reporter {
	return &reporter{viewer: v, tracks: v.tracks(), next: now}
}

// step sends reports if it is time, and returns the pause until it is again.
func (r *reporter) step(now time.Time) time.Duration {
	started := 0
	for _, t := range r.tracks {
		if t.packets > 0 {
			started++
		}
	}
	if started > r.started || !now.Before(r.next) {
		r.report(now)
		if started == len(r.tracks) {
			r.sent++
		}
		r.started, r.next = started, now.Add(reportPause(r.sent))
	}
	return r.next.Sub(now)
}

func (r *reporter) report(now time.Time) {
	m := r.viewer.clock.at(now)
	for _, t := range r.tracks {
		if t.packets > 0 {
			r.viewer.writeRTCP(t.report(now, m))
		}
	}
}
