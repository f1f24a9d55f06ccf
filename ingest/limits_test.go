package ingest

import (
	"testing"

	"github.com/sluice-media/sluice/docs/docstest"
)

// docs/limits.md has these.
func TestLimits(t *testing.T) {
	docstest.Says(t, "stream key, parameters of the URL", docstest.Bytes(max(maxKey, maxQuery))+" each")
}
