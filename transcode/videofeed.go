package transcode

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/transcode/flv"
)

// A timestamp that ffmpeg is given is a picture's PTS in milliseconds, times
// fedScale, and a request in the two lowest bits: the options of the command
// line look at nothing else (videoSpec.arguments), and a process has no other
// ear.
const (
	fedScale = 4
	fedForce = 1 // encode it as an IDR; not for the first one, which is one and from which ffmpeg counts the time
	fedSkip  = 2 // decode it for those that refer to it, and no more
)

const (
	// videoBase is the time of a process's first picture, in milliseconds.
	videoBase = 1000

	// videoPipe is how much ffmpeg can be behind without our knowing, one or
	// two pictures at 2.5 Mbit/s.
	videoPipe = 16 << 10

	// overloaded is how far the queue may be behind before pictures are decoded
	// without being encoded, which takes a third of the time.
	overloaded = 250 * time.Millisecond

	// hopeless is how far the queue may be behind, beyond what it began with.
	// Until then an IDR comes that one may go on at, or the machine is too slow
	// for the stream.
	hopeless = longGOP + time.Second

	// keyframeDistance is the most from one IDR to the next, so that the cache
	// in egress holds what there is since. requestDistance is the least to one
	// that was asked for.
	keyframeDistance = 4 * time.Second
	requestDistance  = time.Second

	// videoStall is how long a process may take pictures and return none, and
	// stallDepth how many pictures it may keep: ITU-T H.264 allows 16.
	videoStall = 2 * time.Second
	stallDepth = 20
)

// videoEntry is what is known of a picture that ffmpeg has been given.
type videoEntry struct {
	fed uint32 // its timestamp
	au  *media.AccessUnit
}

// videoFeed gives one process the pictures of a stream. A goroutine of its own
// writes, because a pipe holds less than a picture.
type videoFeed struct {
	// static
	process *process
	dropped func(reason string)
	behind  time.Duration // how far the queue may be behind, see overloaded
	epoch   time.Duration // media time of videoBase
	backlog time.Duration // that it began with
	shown   time.Duration // pictures up to this PTS are there for reference alone
	done    chan struct{} // closed when run has returned

	// owned by run
	configured bool
	buf        []byte

	mu       sync.Mutex
	changed  sync.Cond // of queue and closed
	queue    []*media.AccessUnit
	closed   bool // nothing follows the queue
	catching bool // what is late already is not shown
	slow     bool // pictures were left out up to the last IDR
	ledger   []videoEntry
	speaks   bool          // it has returned a picture
	wanted   bool          // the next one encoded is to be an IDR
	keyframe time.Duration // DTS of the last one that was

	stall stall
	since int   // pushed since one was returned
	cause error // why it was killed
}

// newVideoFeed returns a feed that begins with the pictures since an IDR.
func newVideoFeed(p *process, since []*media.AccessUnit, behind time.Duration, dropped func(string)) *videoFeed {
	f := &videoFeed{
		process: p, behind: behind, dropped: dropped, epoch: since[0].DTS, backlog: since[len(since)-1].DTS - since[0].DTS, done: make(chan struct{}),
		queue: slices.Clone(since), shown: math.MinInt64, stall: stall{limit: videoStall},
	}
	f.changed.L = &f.mu
	_ = setPipeSize(p.stdin, videoPipe) // another size works too, not as well
	_ = setPipeSize(p.stdout, 4*videoPipe)
	return f
}

// push gives a picture. An error says why the process is of no use any more.
func (f *videoFeed) push(au *media.AccessUnit, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := time.Duration(0)
	if n := len(f.queue); n > 0 {
		last = f.queue[n-1].DTS
	} else if n := len(f.ledger); n > 0 {
		last = f.ledger[n-1].au.DTS
	}
	f.queue = append(f.queue, au)
	f.changed.Signal()
	f.since++
	switch {
	case f.stall.fed(now, max(au.DTS-last, 0)) && f.since > stallDepth:
		return errNoPictures
	case au.DTS-f.queue[0].DTS > f.backlog+hopeless:
		return errTooSlow
	default:
		return nil
	}
}

// request asks for an IDR.
func (f *videoFeed) request() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.ledger); n > 0 && f.ledger[n-1].au.DTS-f.keyframe > requestDistance {
		f.wanted = true
	}
}

// finish lets the process end when it has returned everything.
func (f *videoFeed) finish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.changed.Signal()
}

// kill ends the process for a cause.
func (f *videoFeed) kill(cause error) {
	f.mu.Lock()
	f.cause = fmt.Errorf("ffmpeg was killed: %w", cause)
	f.mu.Unlock()
	f.process.kill()
}

// end forgets what was not given, and returns why the process was killed.
func (f *videoFeed) end() (cause error) {
	f.mu.Lock()
	f.closed, f.queue = true, nil
	f.changed.Signal()
	cause = f.cause
	f.mu.Unlock()
	return cause
}

// run writes until the feed has ended or the process has.
func (f *videoFeed) run() {
	defer close(f.done)
	for {
		e, ok := f.pop()
		if !ok {
			f.process.stdin.Close()
			return
		}
		if _, err := f.process.stdin.Write(f.encode(e)); err != nil {
			return // it is dead, as its reader knows
		}
	}
}

// pop waits for the next picture and enters it before it is written, so that
// it is known when it comes back.
func (f *videoFeed) pop() (e videoEntry, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.queue) == 0 {
		if f.closed {
			return e, false
		}
		f.changed.Wait()
	}
	newest := f.queue[len(f.queue)-1]
	leap := !f.catching && newest.DTS-f.queue[0].DTS > 4*f.behind
	if leap {
		f.leap()
	}
	e.au = f.queue[0]
	f.queue = f.queue[1:]
	f.slow = f.slow && (leap || !e.au.IDR)
	f.catching = f.catching && newest != e.au
	f.wanted = f.wanted || e.au.IDR || e.au.DTS-f.keyframe > keyframeDistance
	e.fed = f.time(e.au.PTS)
	switch {
	case e.au.PTS <= f.shown, f.catching && e.au.PTS <= newest.DTS:
		e.fed |= fedSkip
	case newest.DTS-e.au.DTS > f.behind && (!leap || !e.au.IDR):
		e.fed |= fedSkip
		f.dropped(DropOverload)
	case !f.speaks: // this one or the next is the first
		f.wanted, f.keyframe = false, e.au.DTS
	case f.wanted:
		e.fed |= fedForce
		f.wanted, f.keyframe = false, e.au.DTS
	}
	if e.fed&fedSkip != 0 { // it works, though nothing will come back
		f.since = 0
		f.stall.waited = 0
	}
	f.ledger = append(f.ledger, e)
	return e, true
}

// leap goes on at the newest IDR of the queue, which is shown however late it
// is: on a machine that is too slow even to decode, viewers see IDRs and what
// it manages after them. mu is held.
func (f *videoFeed) leap() {
	n := len(f.queue) - 1
	for n > 0 && !f.queue[n].IDR {
		n--
	}
	for range n {
		f.dropped(DropOverload)
	}
	f.slow = f.slow || n > 0
	f.queue = f.queue[n:]
}

// treatment is that of the pictures that come back.
func (f *videoFeed) treatment(cause media.Cause) *media.Treatment {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.slow {
		return &media.Treatment{Cause: cause, Action: media.Thinned, Reason: "this server is too slow for it"}
	}
	return &media.Treatment{Cause: cause, Action: media.Reencoded}
}

// time is a media time as FLV has it, in 32 bits that wrap after 12 days.
func (f *videoFeed) time(t time.Duration) uint32 {
	return uint32(((t-f.epoch)/time.Millisecond + videoBase) * fedScale)
}

// encode returns the tag of a picture, after what has to come before it.
func (f *videoFeed) encode(e videoEntry) []byte {
	b, dts := f.buf[:0], f.time(e.au.DTS)
	if !f.configured {
		f.configured = true
		b = flv.AppendVideoHeader(b)
		b = flv.AppendVideoConfig(b, dts, e.au.ParameterSets.SPS, e.au.ParameterSets.PPS)
	}
	f.buf = flv.AppendPicture(b, dts, int32(e.fed-dts), e.au.IDR, e.au.NALUs)
	return f.buf
}

// returned finds the picture of a timestamp, and when all that precede it in
// output order were there: with the first one that is decoded at its PTS or
// later. It forgets those that cannot come any more.
func (f *videoFeed) returned(fed uint32) (au *media.AccessUnit, arrival time.Time, queue int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.ledger, func(e videoEntry) bool { return e.fed == fed })
	if i < 0 {
		return nil, arrival, len(f.ledger)
	}
	au = f.ledger[i].au
	f.since, f.speaks = 0, true
	f.stall.returned()
	for _, e := range f.ledger[i:] {
		arrival = e.au.Arrival
		if e.au.DTS >= au.PTS {
			break
		}
	}
	f.ledger = slices.DeleteFunc(f.ledger, func(e videoEntry) bool { return e.au.PTS <= au.PTS && e.au.DTS < au.PTS })
	return au, arrival, len(f.ledger)
}
