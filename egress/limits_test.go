package egress

import (
	"fmt"
	"testing"

	"github.com/sluice-media/sluice/docs/docstest"
)

// docs/limits.md has these.
func TestLimits(t *testing.T) {
	docstest.Says(t, "frames of a stream kept for viewers who join", fmt.Sprintf("%s, %d frames, %s", docstest.Bytes(gopBytes), gopFrames, docstest.Seconds(gopSpan)))
}
