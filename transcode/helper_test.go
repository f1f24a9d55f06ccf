package transcode

import (
	"fmt"
	"os"
)

// helper plays a part of another program and returns its exit code.
func helper(part string) int {
	err := fmt.Errorf("unknown part %q", part)
	if part == "pool" {
		err = poolHelper()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
