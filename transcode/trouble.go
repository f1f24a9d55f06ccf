package transcode

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// reorderedFor is how long a stream counts as one with B-frames after the last
// sign of them, where its parameter sets leave it open: encoders use none while
// the picture moves much.
const reorderedFor = 30 * time.Second

// trouble finds what browsers do not show.
type trouble struct {
	cause   media.Cause // ""
	seen    bool        // a sign of B-frames
	sign    time.Duration
	lastPTS time.Duration
}

// find returns what browsers do not show of an H.264 stream up to an access
// unit; "": they show it all. Trouble begins with any access unit and ends at
// an IDR.
func (t *trouble) find(au *media.AccessUnit) media.Cause {
	if t.reorders(au) {
		t.seen, t.sign = true, au.DTS
	}
	t.lastPTS = au.PTS
	found := profileTrouble(au.ParameterSets)
	if found == "" && t.seen {
		found = media.BFrames
	}
	if found != "" || au.IDR {
		t.cause = found
	}
	return t.cause
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
