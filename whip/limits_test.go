package whip

import (
	"strconv"
	"testing"

	"github.com/sluice-media/sluice/docs/docstest"
)

// docs/limits.md says what the constants do.
func TestLimits(t *testing.T) {
	docstest.Says(t, "offer", docstest.Bytes(maxOffer))
	docstest.Says(t, "trickled fragment", docstest.Bytes(maxFragment))
	docstest.Says(t, "time for a body", docstest.Seconds(bodyTimeout))
	docstest.Says(t, "event streams of a session", strconv.Itoa(maxEventStreams))
}
