package nonblock_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/nonblock"
)

// pair returns what can be read and what writes to it.
type pair func(t *testing.T) (io.ReadCloser, io.WriteCloser)

func pipe(t *testing.T) (io.ReadCloser, io.WriteCloser) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func tcp(t *testing.T) (io.ReadCloser, io.WriteCloser) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func memory(*testing.T) (io.ReadCloser, io.WriteCloser) { return net.Pipe() }

var pairs = map[string]pair{"pipe": pipe, "TCP": tcp, "no file": memory}

// All that is written is read, and then the end.
func TestReader(t *testing.T) {
	for name, open := range pairs {
		t.Run(name, func(t *testing.T) {
			r, w := open(t)
			defer r.Close()
			want := bytes.Repeat([]byte("0123456789"), 100_000)
			go func() {
				_, _ = w.Write(want)
				w.Close()
			}()
			got, err := io.ReadAll(nonblock.Reader(r))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("read %d bytes of %d, %v", len(got), len(want), err)
			}
		})
	}
}

// A Read that waits ends with its deadline, and with the file.
func TestReadIsEnded(t *testing.T) {
	for name, open := range pairs {
		t.Run(name, func(t *testing.T) {
			r, w := open(t)
			defer w.Close()
			in, d := nonblock.Reader(r), r.(interface{ SetReadDeadline(time.Time) error })
			if err := d.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := in.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("after the deadline: %v", err)
			}
			if err := d.SetReadDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() {
				_, err := in.Read(make([]byte, 1))
				ended <- err
			}()
			r.Close()
			if err := <-ended; err == nil || !strings.Contains(err.Error(), "closed") {
				t.Errorf("of a closed file: %v", err)
			}
		})
	}
}

// Write takes what there is room for, and says so.
func TestWrite(t *testing.T) {
	_, w := pipe(t)
	defer w.Close()
	raw, err := w.(*os.File).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	written, full := 0, error(nil)
	for full == nil {
		if err := raw.Control(func(fd uintptr) {
			var n int
			n, full = nonblock.Write(fd, make([]byte, 1000))
			written += n
		}); err != nil {
			t.Fatal(err)
		}
	}
	if written == 0 || !strings.Contains(full.Error(), "temporarily unavailable") {
		t.Errorf("%d bytes, then %v", written, full)
	}
}
