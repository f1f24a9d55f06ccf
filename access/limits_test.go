package access

import (
	"fmt"
	"testing"

	"github.com/sluice-media/sluice/docs/docstest"
)

// docs/limits.md has these.
func TestLimits(t *testing.T) {
	docstest.Says(t, "wrong keys", fmt.Sprintf("%d, then one in %s per address", guessBurst, docstest.Seconds(guessEvery)))
}
