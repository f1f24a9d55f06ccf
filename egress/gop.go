package egress

import "time"

// Bounds of the cache. Beyond them replaying would take longer than waiting
// for the next IDR, so only the IDR is kept, as a poster.
const (
	gopFrames = 600
	gopBytes  = 16 << 20
	gopSpan   = 12 * time.Second
)

// gop is a stream's cache: the video frames since the last IDR. Frames are
// only ever appended to its slice, so that a snapshot is the slice as it was.
type gop struct {
	frames []*Frame
	bytes  int
	whole  bool          // frames is all there was since the IDR
	length time.Duration // of the last complete one; 0: none was
	steady bool          // the one before was as long
	rate   int           // bit/s of the last complete one
}

// add takes the next video frame. Nothing is cached before the first IDR.
func (g *gop) add(f *Frame) {
	if f.IDR {
		if len(g.frames) > 0 {
			length := f.PTS - g.frames[0].PTS
			g.steady = (length - g.length).Abs() < length/10
			g.length, g.rate = length, bitrate(g.bytes, length)
		}
		*g = gop{
			frames: make([]*Frame, 0, max(16, len(g.frames))), whole: true,
			length: g.length, rate: g.rate, steady: g.steady,
		}
	}
	if len(g.frames) == 0 && !f.IDR {
		return
	}
	g.bytes += f.Size
	idr := f
	if len(g.frames) > 0 {
		idr = g.frames[0]
	}
	if !g.whole || len(g.frames) >= gopFrames || g.bytes > gopBytes || f.PTS-idr.PTS > gopSpan {
		g.whole = false
		g.frames = []*Frame{idr}
		return
	}
	g.frames = append(g.frames, f)
}

// drop forgets the frames: their publication is over, and nothing after it
// refers to them.
func (g *gop) drop() { *g = gop{} }

// Replay is a snapshot of a stream's cache, and what a viewer needs to know to
// send it.
type Replay struct {
	// Frames are those since the last IDR, which comes first; only the IDR if
	// Whole is false. They are shared and must not be changed.
	Frames []*Frame
	Whole  bool

	// UntilIDR is how long the next IDR is probably away: to be relied upon
	// only if Steady is true, because the IDRs come at a regular distance.
	UntilIDR time.Duration
	Steady   bool

	// Bitrate is the video's in bit/s, FrameRate in frames a second, Pixels
	// those of a picture; 0: not known.
	Bitrate   int
	FrameRate float64
	Pixels    int
}

// defaultGOP stands for the length of a GOP before one was seen whole.
const defaultGOP = 2 * time.Second

// snapshot returns the cache as it is.
func (g *gop) snapshot() Replay {
	n := len(g.frames)
	r := Replay{Frames: g.frames[:n:n], Whole: g.whole, UntilIDR: defaultGOP, Bitrate: g.rate}
	if n == 0 {
		return r
	}
	age := g.frames[n-1].PTS - g.frames[0].PTS
	if age < g.length {
		r.UntilIDR, r.Steady = g.length-age, g.steady
	}
	if g.length == 0 {
		r.Bitrate = bitrate(g.bytes, age)
	}
	return r
}

// bitrate returns bit/s; 0 for no time at all.
func bitrate(bytes int, span time.Duration) int {
	if span <= 0 {
		return 0
	}
	return int(int64(bytes) * 8 * int64(time.Second) / int64(span))
}
