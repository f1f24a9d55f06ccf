package transcode

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPipeSizes: what a process can be behind is a quarter of a second, and a
// frame of 5.1 fits.
func TestPipeSizes(t *testing.T) {
	r := newRig(t, Config{})
	size := func(f *os.File) (n int) {
		t.Helper()
		c, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if c.Control(func(fd uintptr) { n, err = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	page := os.Getpagesize()
	p := r.ready()
	r.feed(encodeAAC(t, 48000, 2, 0, time.Second))
	if in, out := size(p.stdin), size(p.stdout); in != max(page, smallPipe) || out != in {
		t.Errorf("pipes of %d and %d bytes", in, out)
	}
	r.feed(encodeAAC(t, 48000, 6, time.Second, time.Second))
	if in := size(p.stdin); in != max(page, largePipe) {
		t.Errorf("a pipe of %d bytes for 5.1", in)
	}
}
