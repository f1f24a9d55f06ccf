package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asSluice makes the test binary behave as sluice, so that tests can send it
// signals.
const asSluice = "TEST_BINARY_IS_SLUICE"

func TestMain(m *testing.M) {
	if os.Getenv(asSluice) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}
