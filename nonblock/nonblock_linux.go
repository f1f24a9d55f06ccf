package nonblock

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// Reader returns what reads f: an *os.File of a pipe, or a *net.TCPConn. It is for
// one goroutine. Anything else that is not a file descriptor reads as ever.
func Reader(f io.Reader) io.Reader {
	c, ok := f.(syscall.Conn)
	if !ok {
		return f
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return f
	}
	r := &reader{raw: raw}
	r.read = func(fd uintptr) bool {
		r.n, r.errno = call(syscall.SYS_READ, fd, r.into)
		return r.errno != syscall.EAGAIN
	}
	return r
}

type reader struct {
	raw   syscall.RawConn
	read  func(fd uintptr) bool // until something has come
	into  []byte
	n     int
	errno syscall.Errno
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.into = p
	err := r.raw.Read(r.read)
	r.into = nil
	switch {
	case err != nil:
		return 0, err
	case r.errno != 0:
		return 0, os.NewSyscallError("read", r.errno)
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}

// Write writes to a file descriptor that does not block what there is room for
// now.
func Write(fd uintptr, b []byte) (n int, err error) {
	n, errno := call(syscall.SYS_WRITE, fd, b)
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}

func call(number, fd uintptr, b []byte) (n int, errno syscall.Errno) {
	for {
		k, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(k), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
