package egress

import (
	"time"

	"github.com/sluice-media/sluice/rtc"
)

// turnFrames is how many video frames a viewer may send in one turn, so that
// one who catches up does not hold up the others.
const turnFrames = 8

// reportSlack is how long sender reports wait for a turn that there is anyway:
// one for them alone costs more than they do.
const reportSlack = 100 * time.Millisecond

// output is what a viewer sends from. It belongs to the worker that has the
// viewer.
type output struct {
	video   *playback // nil: not accepted
	audio   []*Frame  // buffer
	reports *reporter
	hold    time.Time // video begins

	alarm *time.Timer // asks for a turn
	set   time.Time   // when it goes off, or went
}

// begin makes the viewer take frames and turns.
func (v *Viewer) begin(now time.Time) {
	v.mu.Lock()
	v.out = &output{reports: newReporter(v, now), hold: now.Add(startHold)}
	if v.peer.video != nil {
		v.out.video = newPlayback(v, now)
	}
	v.out.alarm, v.out.set = time.AfterFunc(startHold, v.ask), v.out.hold
	v.mu.Unlock()
	v.source.Subscribe(v.backlog)
	v.ask()
}

// finish returns when the viewer takes neither any more.
func (v *Viewer) finish() {
	v.source.Unsubscribe(v.backlog)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.alarm.Stop()
	v.out = nil
}

// ask makes the viewer have a turn.
func (v *Viewer) ask() {
	if v.turn.ask() {
		v.sender.push(v)
	}
}

// fetch reads a little of all that a turn needs; mu is held. Viewers are so far
// apart in memory that a CPU has to wait for each piece: for those of several
// viewers at the same time, if nothing else is done in between.
func (v *Viewer) fetch() int {
	o := v.out
	if o == nil {
		return 0
	}
	state, _ := v.backlog.state()
	sum := int(state) + len(o.audio) + o.reports.started + len(v.reports)
	if p := o.video; p != nil {
		sum += int(p.last) + int(p.floor) + int(p.rtt) + int(p.history.newest())
	}
	for _, t := range o.reports.tracks {
		sum += int(t.header.SequenceNumber) + int(t.packets)
	}
	if m := v.peer.media; m != nil {
		sum += m.Fetch()
	}
	return sum
}

// play is a viewer's turn: it puts into the batch what is to be sent now; mu is
// held.
func (v *Viewer) play(batch *rtc.Batch, sent *ledger) {
	o := v.out
	if o == nil || !v.path.isOpen() {
		return
	}
	if m := v.peer.media; m != nil {
		if !m.Begin(batch) {
			return
		}
		defer m.End()
	}
	now := time.Now()
	pause := none
	v.takeFeedback(o.video)
	if o.video != nil {
		if pause = o.hold.Sub(now); pause <= 0 {
			pause = o.video.play(now, sent)
		}
	}
	if v.peer.Full() {
		pause = min(pause, whileFull)
	} else {
		v.sendAudio(o, now, sent) // never behind a replay
	}
	pause = min(pause, o.reports.step(now)+reportSlack)
	v.wait(o, pause, now)
}

// wait sees to it that the next turn is not later than after a pause.
func (v *Viewer) wait(o *output, pause time.Duration, now time.Time) {
	switch at := now.Add(pause); {
	case pause <= 0:
		v.ask()
	case at.Before(o.set), !o.set.After(now.Add(reportSlack)):
		o.alarm.Reset(pause)
		o.set = at
	}
}

// takeFeedback takes what the viewer has reported.
func (v *Viewer) takeFeedback(video *playback) {
	for {
		select {
		case r := <-v.reports:
			if video != nil {
				video.feedback(r.Packet, r.at)
			}
			if v.peer.audio != nil {
				v.peer.audio.feedback(r.Packet, r.at)
			}
		default:
			return
		}
	}
}

// sendAudio writes the audio that has come.
func (v *Viewer) sendAudio(o *output, now time.Time, sent *ledger) {
	o.audio = v.backlog.takeAudio(o.audio)
	if t := v.peer.audio; t != nil {
		for _, f := range o.audio {
			if err := t.send(f, t.timestamp(f.PTS), t.capture(v.clock.when(f.PTS), now)); err != nil {
				v.metrics.drop(DropSendError, 1)
			}
			if t.header.PayloadType != t.red.of {
				v.metrics.Redundant.Inc()
			}
			sent.note(v.metrics, f)
		}
	}
	clear(o.audio)
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
