//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/sluice-media/sluice/e2e/server"
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run builds the binary under test, unless it is given.
func run(m *testing.M) (int, error) {
	if os.Getenv("SLUICE_BIN") == "" {
		dir, err := os.MkdirTemp("", "sluice-e2e")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		bin, err := server.Build(dir, os.Getenv("SLUICE_RACE") != "")
		if err != nil {
			return 0, err
		}
		os.Setenv("SLUICE_BIN", bin)
	}
	return m.Run(), nil
}
