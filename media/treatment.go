package media

import "fmt"

// Treatment says what is done about video that browsers do not show.
type Treatment struct {
	// Cause is what they do not show.
	Cause Cause

	Action Action

	// Reason is why the pictures are Thinned, for the streamer to read.
	Reason string

	// Withheld says that the access unit only tells what there is, and is not
	// to be sent: nobody watches, or nobody could see it.
	Withheld bool
}

// Hint tells the streamer what is done and what he can do.
func (t *Treatment) Hint() string {
	switch t.Action {
	case Reencoded:
		return fmt.Sprintf("The stream has %s, %s: it is encoded anew here, which costs about 0.1 s, "+
			"some quality and processor time. To spare that: %s", t.Cause, t.Cause.Harm(), t.Cause.Advice())
	case Thinned:
		return fmt.Sprintf("The stream has %s, %s, and it cannot be encoded anew: %s. "+
			"Until it can, viewers see its keyframes at most. %s", t.Cause, t.Cause.Harm(), t.Reason, t.Cause.Advice())
	default:
		return fmt.Sprintf("The stream has %s, %s. %s", t.Cause, t.Cause.Harm(), t.Cause.Advice())
	}
}

// Cause is what browsers do not show, or cannot begin to.
type Cause string

// The causes. The last three are profiles (ITU-T H.264 §A.2).
const (
	BFrames Cause = "B-frames"
	LongGOP Cause = "keyframes more than 11 s apart"
	High10  Cause = "10-bit colour (profile High 10)"
	High422 Cause = "4:2:2 colour (profile High 4:2:2)"
	High444 Cause = "4:4:4 colour (profile High 4:4:4)"
)

// Harm is what browsers make of it.
func (c Cause) Harm() string {
	if c == LongGOP {
		return "between which no browser can begin"
	}
	return "which browsers cannot show"
}

// Advice is what the streamer has to change, in the words of OBS's menus.
func (c Cause) Advice() string {
	switch c {
	case BFrames:
		return "In OBS: Settings → Output → Output Mode: Advanced → Streaming; " +
			"x264: put bframes=0 into x264 Options; NVENC, QuickSync and AMF: set B-frames to 0."
	case LongGOP:
		return "In OBS: Settings → Output → Output Mode: Advanced → Streaming → Keyframe Interval: 2 s; turn intra refresh off."
	default:
		return "In OBS: Settings → Advanced → Video → Color Format: NV12."
	}
}

// Action is what is done about it.
type Action string

// The actions.
const (
	Passed    Action = "passed"         // nothing, by policy
	Reencoded Action = "re-encoded"     // the pictures are encoded anew
	Thinned   Action = "keyframes only" // so long as they cannot be
)
