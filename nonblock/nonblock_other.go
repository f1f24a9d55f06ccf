//go:build !linux

package nonblock

import (
	"io"
	"syscall"
)

// Reader returns f.
func Reader(f io.Reader) io.Reader { return f }

// Write writes to a file descriptor that does not block what there is room for
// now.
func Write(fd uintptr, b []byte) (n int, err error) {
	n, err = syscall.Write(int(fd), b)
	return max(n, 0), err
}
