package transcode

import (
	"fmt"

	"github.com/sluice-media/sluice/media"
)

// Policy is what is done about video that browsers do not show.
type Policy string

// The policies.
const (
	Reencode Policy = "reencode" // it is encoded anew, without what they do not show
	Pass     Policy = "pass"     // viewers get it as it is
	Refuse   Policy = "refuse"   // the publication ends with an UnplayableError
)

// UnplayableError ends a publication that has what browsers do not show.
type UnplayableError struct{ Cause media.Cause }

// Error says what the streamer has to change.
func (e *UnplayableError) Error() string {
	return fmt.Sprintf("browsers cannot show %s: %s", e.Cause, e.Cause.Advice())
}
