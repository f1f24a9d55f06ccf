package transcode

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// reorderedFor is how long a stream counts as one with B-frames after the last
// sign of them, where its parameter sets leave it open: encoders use none while
// the picture moves much.
const reorderedFor = 30 * time.Second

// longGOP is how far IDRs may be apart for a viewer to join between them: just
// less than what egress keeps, and more than x264's usual 250 pictures at 24 a
// second. Intra refresh makes one IDR, at the start.
const longGOP = 11 * time.Second

// trouble finds what browsers do not show.
type trouble struct {
	cause   media.Cause // ""
	seen    bool        // a sign of B-frames
	sign    time.Duration
	lastPTS time.Duration

	idr  time.Duration // DTS of the last IDR
	gop  time.Duration // from the one before to it; 0: there was none
	long bool          // IDRs are too far apart
}

// find returns what browsers do not show of an H.264 stream up to an access
// unit; "": they show it all. Trouble begins with any access unit and ends at
// an IDR. crowded says that what came since the last IDR can hardly be kept, which
// counts as long as no second IDR has come.
func (t *trouble) find(au *media.AccessUnit, crowded bool) media.Cause {
	if t.reorders(au) {
		t.seen, t.sign = true, au.DTS
	}
	t.lastPTS = au.PTS
	t.measure(au, crowded)
	found := profileTrouble(au.ParameterSets)
	if found == "" && t.seen {
		found = media.BFrames
	}
	if found == "" && t.long {
		found = media.LongGOP
	}
	if found != "" || au.IDR {
		t.cause = found
	}
	return t.cause
}

// measure sees how far IDRs are apart.
func (t *trouble) measure(au *media.AccessUnit, crowded bool) {
	since := au.DTS - t.idr
	switch {
	case !au.IDR:
		t.long = t.long || since > longGOP || crowded && t.gop == 0 && since > longGOP/2
	case t.idr == 0:
		t.idr = au.DTS
	default:
		t.idr, t.gop = au.DTS, since
		t.long = since > longGOP
	}
}

// mayBegin says whether a stream that is shown as it is may yet turn out to
// have trouble that began at its last IDR.
func (t *trouble) mayBegin(sets *media.ParameterSets) bool {
	return sets != nil && sets.ReorderFrames != 0 || t.gop == 0 || t.gop > longGOP/2
}

// reorders says whether an access unit is a sign of B-frames.
func (t *trouble) reorders(au *media.AccessUnit) bool {
	depth := -1
	if au.ParameterSets != nil {
		depth = au.ParameterSets.ReorderFrames
	}
	if au.IDR && (depth == 0 || au.DTS-t.sign > reorderedFor) {
		t.seen = false
	}
	switch {
	case depth == 0: // whatever GStreamer's flvmux makes of the decoding times
		return false
	case depth > 0 && au.PTS > au.DTS:
		return true // the first picture waits for those that the depth allows
	default:
		return !au.IDR && au.PTS < t.lastPTS || hasBSlice(au.NALUs)
	}
}

// profileTrouble tells the profiles that browsers do not decode, or not all of
// them and not in hardware (ITU-T H.264 §A.2).
func profileTrouble(sets *media.ParameterSets) media.Cause {
	if sets == nil {
		return ""
	}
	switch sets.ProfileLevelID[0] {
	case 110:
		return media.High10
	case 122:
		return media.High422
	case 244, 44:
		return media.High444
	default:
		return ""
	}
}
