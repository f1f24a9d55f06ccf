package transcode

import (
	"fmt"
	"testing"

	"github.com/sluice-media/sluice/docs/docstest"
)

// docs/limits.md has these.
func TestLimits(t *testing.T) {
	docstest.Says(t, "streams whose sound is encoded", fmt.Sprintf("%d for each CPU", processesPerCPU))
	docstest.Says(t, "streams that are re-encoded", fmt.Sprintf("%d for each CPU", videoPerCPU))
	docstest.Says(t, "size of a re-encoded picture", "4096 × 2304")
	if maxPicture != 4096*2304 {
		t.Error("docs/limits.md has another size")
	}
	docstest.Says(t, "frames of a stream kept for an encoder", fmt.Sprintf("%s, %d frames", docstest.Bytes(cacheBytes), cachePictures))
}
