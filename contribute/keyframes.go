package contribute

import "time"

const (
	// keyframeAgain is how long a publisher has to answer a request for a
	// keyframe before the next one: encoders that are asked more often send
	// little else.
	keyframeAgain = time.Second
	// longestGOP is when a keyframe is asked for although nothing was lost.
	// Browsers send none by themselves, and a viewer that joins is sent all
	// frames since the last one.
	longestGOP = 4 * time.Second
)

// keyframes says when to ask a publisher for a keyframe.
type keyframes struct {
	last   time.Time // one came; zero: none has, or pictures were lost since
	asked  time.Time
	needed bool // by a viewer, since the last one
}

// came notes a keyframe.
func (k *keyframes) came(now time.Time) { k.last, k.needed = now, false }

// lost notes that the pictures up to the next keyframe cannot be decoded.
func (k *keyframes) lost() { k.last = time.Time{} }

// wanted says whether to ask now, and notes that it is done. needed says whether
// a viewer needs one, and forgets it.
func (k *keyframes) wanted(now time.Time, needed func() bool) bool {
	if needed() {
		k.needed = true
	}
	if now.Before(k.due()) {
		return false
	}
	k.asked = now
	return true
}

// due returns when to ask, so far as is known.
func (k *keyframes) due() time.Time {
	at := k.asked.Add(keyframeAgain)
	if need := k.last.Add(longestGOP); !k.last.IsZero() && !k.needed && need.After(at) {
		at = need
	}
	return at
}
