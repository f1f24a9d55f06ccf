package guard

import (
	"strconv"
	"testing"

	"github.com/sluice-media/sluice/docs/docstest"
)

// docs/limits.md has these.
func TestLimits(t *testing.T) {
	docstest.Says(t, "client that does not read", docstest.Seconds(Config{}.withDefaults().WriteTimeout))
	docstest.Says(t, "message streams", strconv.Itoa(maxStreams))
}
