package browser

import (
	"os"
	"path/filepath"
	"testing"
)

// leave writes a file into artifacts/, for people to look at.
func leave(tb testing.TB, name string, data []byte) {
	tb.Helper()
	const dir = "artifacts"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		tb.Fatal(err)
	}
}
