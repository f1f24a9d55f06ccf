package contribute

import (
	"slices"

	"github.com/sluice-media/sluice/media"
)

// maxReorder is how many pictures may come before another that is shown before
// them (ITU-T H.264 §A.3.1, MaxDpbFrames).
const maxReorder = 16

// reordering is what a stream says of the order of its pictures.
type reordering struct {
	depth int   // see media.ParameterSets.ReorderFrames
	step  int64 // ticks from one picture to the next
	rate  int64 // ticks a second
}

// reorderingOf reads parameter sets, for a clock of rate Hz.
func reorderingOf(sets *media.ParameterSets, rate int64) reordering {
	const usual = 30 // pictures a second
	r := reordering{step: rate / usual, rate: rate}
	if sets == nil {
		return r
	}
	r.depth = sets.ReorderFrames
	if sets.FrameRate >= 1 {
		r.step = int64(float64(rate) / sets.FrameRate)
	}
	return r
}

// decoding finds when pictures are to be decoded. RTP tells when they are shown,
// and no more; they come in the order of decoding. Where a picture is overtaken
// by as many others as the depth says, the one that many before the last in the
// order of showing is as late as decoding can be: it grows from each picture to
// the next, and is never after the time of showing.
type decoding struct {
	depth int     // so far
	shown []int64 // when the last pictures are shown, in ascending order
}

// next returns when the picture that comes now is to be decoded, in ticks. A
// stream that does not announce a depth shows it by and by: then the times go
// back once.
func (d *decoding) next(shown int64, r reordering) int64 {
	if n := len(d.shown); n > 0 && max(shown-d.shown[n-1], d.shown[n-1]-shown) > r.rate {
		d.shown = d.shown[:0] // pictures were lost, or the publisher's clock jumped
	}
	i, _ := slices.BinarySearch(d.shown, shown)
	if r.depth != 0 {
		d.depth = min(max(d.depth, r.depth, len(d.shown)-i), maxReorder)
	}
	d.shown = slices.Insert(d.shown, i, shown)
	if len(d.shown) > maxReorder+1 {
		d.shown = slices.Delete(d.shown, 0, 1)
	}
	at := len(d.shown) - 1 - d.depth
	if at < 0 { // pictures are missing, as at the beginning
		return d.shown[0] + int64(at)*r.step
	}
	return d.shown[at]
}
