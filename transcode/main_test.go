package transcode

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary play other parts: see helper.
func TestMain(m *testing.M) {
	if part := os.Getenv("SLUICE_TEST_PART"); part != "" {
		os.Exit(helper(part))
	}
	goleak.VerifyTestMain(m)
}
