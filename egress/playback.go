package egress

import (
	"context"
	"time"
)

const (
	// idrSoon is when waiting for the next IDR is as good as a replay.
	idrSoon = 250 * time.Millisecond
	// replayPause is the least time between two replays of a live viewer.
	replayPause = time.Second
	// replayBurst replays may follow each other at that pause, then one every
	// replayRefill.
	replayBurst  = 4
	replayRefill = 7500 * time.Millisecond
	// requestGrace is what a receiver needs, besides a round trip, to decode
	// an IDR and stop asking for one.
	requestGrace = 150 * time.Millisecond
	// startRace is how long after the join a receiver may not yet have been
	// listening when the replay began.
	startRace = 2 * time.Second
	// lossPause spaces the cuts of a pace that has only NACKs to go by.
	lossPause = 100 * time.Millisecond
	// repairShare is the part of the video's bitrate that retransmissions may
	// take, and repairBurst the bytes that may be repeated at once.
	repairShare = 0.5
	repairBurst = 256 << 10
	// copyPause is how much later than its repetition a packet's copy follows,
	// because losses come in bursts, and copyMost how many at a time: where more
	// are missing the line is too slow, or dead.
	copyPause = 10 * time.Millisecond
	copyMost  = 8
)

// Causes of a replay; they are metric labels.
const (
	causeJoin     = "join"
	causeRequest  = "keyframe_request" // PLI or FIR
	causeNACK     = "nack"             // for what cannot be repaired
	causeOverflow = "overflow"         // the viewer fell behind
)

// Reasons to wait for the next IDR instead; they are metric labels.
const (
	waitConfigured = "configured"
	waitNoIDR      = "no_idr"      // nothing is cached
	waitLongGOP    = "long_gop"    // the cache's bounds were reached
	waitSoon       = "soon"        // the next IDR is about to come
	waitRate       = "rate_limit"  // of this viewer
	waitSlowLink   = "slow_link"   // waiting is faster
	waitUndecoded  = "not_decoded" // replays did not help
)

// playback sends one viewer's video: live frames as they come, the cached GOP
// at the join and whenever the viewer lost what cannot be repaired. It belongs
// to the viewer's sending goroutine.
type playback struct {
	// static
	source  Source
	backlog *backlog
	clock   *clock
	track   *track
	full    func() bool // the viewer's line takes nothing more now
	sound   *track      // nil: not accepted
	metrics *viewerMetrics
	joined  time.Time
	waits   bool // for IDRs; never replay
	mine    Encoding
	end     context.CancelCauseFunc // of the viewer

	last  uint64 // Index of the last frame taken
	begun bool   // at the last IDR, not by what was before it

	rtt     time.Duration // 0: not known
	history history
	repairs repairs
	repair  *bucket  // bytes; nil: the bitrate is not known
	copies  []uint16 // sequence numbers that are to be repeated once more
	copyAt  time.Time
	replays *bucket

	pacer    *pacer // nil: live
	cc       *twcc  // nil: live, or not negotiated
	untilIDR time.Time
	cause    string
	began    time.Time // of the present or last replay
	caughtUp time.Time
	tries    int // replays that did not help
	idrSent  time.Time
	lastCut  time.Time

	replayed bool   // floor counts
	floor    uint32 // the last timestamp of a replay

	firstIDR mark // its last packet
	delayed  mark // the first frame that told of startDelay
}

func newPlayback(v *Viewer, now time.Time) *playback {
	return &playback{
		source: v.source, backlog: v.backlog, clock: v.clock, track: v.peer.video, sound: v.peer.audio,
		full:    v.peer.Full,
		metrics: v.metrics, joined: v.joined, waits: v.waits,
		mine: v.peer.encoding, end: v.end,
		repairs: repairs{}, cause: causeJoin,
		replays: newBucket(1/replayRefill.Seconds(), replayBurst, now),
	}
}

// play sends what is to be sent now, and returns how long to wait for the next
// frame.
func (p *playback) play(now time.Time, sent *ledger) time.Duration {
	p.copy(now)
	for range turnFrames {
		if pause := p.step(now, sent); pause > 0 {
			return pause
		}
	}
	return 0
}

// none is how long to wait when there is nothing to send, whileFull when the
// viewer's line has not taken what was sent.
const (
	none      = time.Duration(1<<63 - 1)
	whileFull = 5 * time.Millisecond
)

// step sends the next frame if it is its time. It returns how long to wait:
// nothing after a frame was sent, none if there is no frame.
func (p *playback) step(now time.Time, sent *ledger) time.Duration {
	if _, stale := p.backlog.state(); stale {
		cause := causeOverflow
		if p.began.IsZero() {
			cause = causeJoin
		}
		p.replay(cause, 1, now)
	}
	if p.pacer != nil {
		if d := p.pacer.delay(now); d > 0 {
			return d
		}
	}
	if p.full() {
		return whileFull
	}
	f, phase := p.backlog.takeVideo()
	switch {
	case f == nil:
		return none
	case f.Encoding != p.mine:
		p.end(ErrCodecChanged)
		return none
	case p.undecodable(f):
		return 0
	}
	p.send(f, phase, now)
	sent.note(p.metrics, f)
	return 0
}

// undecodable reports whether a frame refers to what was sent before the IDR
// that this viewer began at, and notes where it begins.
func (p *playback) undecodable(f *Frame) bool {
	if f.IDR {
		p.begun = f.Index != p.last+1
	}
	p.last = f.Index
	return f.Skipped && p.begun
}

// send writes a frame. In a replay its timestamp is the live clock's for this
// moment, so that the receiver shows it at once and no delay is left behind.
func (p *playback) send(f *Frame, phase phase, now time.Time) {
	ts := p.track.timestamp(f.PTS)
	if phase != live {
		ts = p.track.timestamp(p.clock.at(now))
	}
	switch above := int32(ts-p.floor) > 0; {
	case p.replayed && !above:
		ts = p.floor + 1
		p.floor = ts
	case phase == live:
		p.replayed = false
	default:
		p.replayed, p.floor = true, ts
	}
	first := p.track.header.SequenceNumber
	p.history.add(sentFrame{frame: f, at: now, timestamp: ts, first: first, picture: p.track.picture})
	if err := p.track.send(f, ts, p.extension(f, phase, now)); err != nil {
		p.metrics.drop(DropSendError, 1)
	}
	if f.IDR {
		p.noteIDR(first+uint16(len(f.Payloads))-1, now)
	}
	if p.pacer != nil {
		p.paced(f, now)
	}
}

// extension returns what a frame's packets tell beside the picture.
func (p *playback) extension(f *Frame, phase phase, now time.Time) extend {
	t := p.track
	switch {
	case p.cc != nil:
		return feedbackOn(t.ccID, p.cc, now)
	case phase == live && t.delayID != 0 && !p.delayed.there && p.sound != nil && p.sound.packets > 0:
		p.delayed.set(t.header.SequenceNumber)
		return constant(t.delayID, playoutDelay(startDelay, startDelayMost))
	case phase == live:
		return t.capture(p.clock.when(f.PTS), now)
	}
	return nil
}

func (p *playback) noteIDR(last uint16, now time.Time) {
	p.firstIDR.set(last)
	if p.idrSent.IsZero() {
		p.metrics.joinKeyframe.Observe(now.Sub(p.joined).Seconds())
	}
	p.idrSent = now
}

// paced notes a frame of a replay; after the last one the viewer is live.
func (p *playback) paced(f *Frame, now time.Time) {
	p.metrics.ReplayedBytes.Add(float64(f.Size))
	p.pacer.sent(f.Size, now)
	if state, _ := p.backlog.state(); state != live {
		return
	}
	p.pacer, p.cc, p.caughtUp = nil, nil, now
	if p.cause == causeJoin {
		p.metrics.joinLive.Observe(now.Sub(p.joined).Seconds())
		return
	}
	p.metrics.Recovery.Observe(now.Sub(p.began).Seconds())
}

// replay goes back to the cache, or waits for the next IDR where that is
// better. slow divides the pace.
func (p *playback) replay(cause string, slow float64, now time.Time) {
	r := p.source.Replay()
	p.cause, p.began = cause, now
	p.pacer, p.cc = nil, nil
	switch reason := p.whyWait(r, cause, now); reason {
	case "":
	case waitSoon, waitLongGOP:
		p.wait(reason, r.Frames[0])
		return
	default:
		p.wait(reason)
		return
	}
	if cause == causeRequest || cause == causeNACK {
		p.source.NeedKeyframe() // if it comes, it spares the rest of the replay
	}
	p.metrics.replays[cause].Inc()
	p.pacer = newPacer(r, slow, now)
	p.untilIDR = now.Add(r.UntilIDR)
	if p.track.ccID != 0 {
		p.cc = &twcc{}
	}
	if r.Bitrate > 0 {
		p.repair = newBucket(repairShare*float64(r.Bitrate)/8, max(repairBurst, float64(r.Bitrate)/8), now)
	}
	p.backlog.resume(r)
}

// whyWait returns why a replay would be wrong, nothing if it is right.
func (p *playback) whyWait(r Replay, cause string, now time.Time) string {
	switch {
	case p.waits:
		return waitConfigured
	case len(r.Frames) == 0:
		return waitNoIDR
	case !r.Whole:
		return waitLongGOP
	case r.Steady && r.UntilIDR < idrSoon:
		return waitSoon
	case cause != causeJoin && !p.replays.take(1, now):
		return waitRate
	}
	return ""
}

// wait goes on at the next IDR; poster, an IDR, is sent before.
func (p *playback) wait(reason string, poster ...*Frame) {
	p.pacer, p.cc = nil, nil
	p.metrics.waits[reason].Inc()
	if reason != waitSoon {
		p.source.NeedKeyframe()
	}
	p.backlog.wait(poster...)
}
