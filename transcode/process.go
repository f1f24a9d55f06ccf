package transcode

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/nonblock"
)

const (
	// smallPipe holds 0.25 s of sound at 128 kbit/s: what a process that does
	// not keep up can be behind. Writes up to this size (PIPE_BUF) are whole
	// or not at all (POSIX write(2)).
	smallPipe = 4096

	// largePipe is for more than 4 channels, where an access unit may be
	// longer than a page.
	largePipe = 8192

	// writeTimeout is how long a frame waits for room in the pipe. A process
	// that keeps up makes some within 3 ms, even in a burst. If it does not,
	// the next frames do not wait until one has found room.
	writeTimeout = 5 * time.Millisecond

	// drainTimeout is for what a dead process has left in its pipes. It
	// passes only if something else holds them open.
	drainTimeout = 100 * time.Millisecond
)

// errPipeFull means that nothing of a frame was written; errPartialWrite, that
// a part was and the process cannot be used any more.
var (
	errPipeFull     = errors.New("pipe to ffmpeg is full")
	errPartialWrite = errors.New("frame was written to ffmpeg in part")
)

// process is one running ffmpeg.
type process struct {
	cmd    *exec.Cmd
	start  time.Time
	stdin  *os.File // used by the one that feeds it
	full   bool     // the last frame did not fit; used by the same
	stdout *os.File // used by the one that reads it
	stderr *os.File // used by watch
	tail   tail

	done chan struct{} // closed by its Pool when watch has returned
	exit error         // how it ended; valid after done

	mu     sync.Mutex
	reaped bool // its pid may belong to another one
}

// startProcess starts path. The thread that calls it must outlive the process
// (see Pool.run).
func startProcess(path string, args []string) (_ *process, err error) {
	p := &process{cmd: exec.Command(path, args...), start: time.Now(), done: make(chan struct{})}
	var theirs [3]*os.File
	defer func() {
		for _, f := range theirs {
			f.Close() // a nil *os.File only returns an error
		}
		if err != nil {
			p.closePipes()
		}
	}()
	if theirs[0], p.stdin, err = os.Pipe(); err != nil {
		return nil, err
	}
	if p.stdout, theirs[1], err = os.Pipe(); err != nil {
		return nil, err
	}
	if p.stderr, theirs[2], err = os.Pipe(); err != nil {
		return nil, err
	}
	if err := setPipeSize(p.stdout, smallPipe); err != nil { // stdin's depends on the stream
		return nil, err
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1], theirs[2]
	p.cmd.SysProcAttr = sysProcAttr()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// watch returns when the process is reaped and all it said has been read.
func (p *process) watch() {
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(&p.tail, p.stderr)
		close(read)
	}()
	p.exit = p.reap()
	deadline := time.Now().Add(drainTimeout)
	_ = p.stderr.SetReadDeadline(deadline)
	_ = p.stdout.SetReadDeadline(deadline)
	<-read
}

// ended says whether the process is dead and reaped.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// end kills the process if it lives, waits until it is reaped, frees what it
// had and returns how it ended. It is called once, by the one that reads it.
func (p *process) end() error {
	p.kill()
	<-p.done
	p.closePipes()
	if p.exit == nil {
		return errors.New("ffmpeg ended by itself")
	}
	return fmt.Errorf("ffmpeg ended: %w", p.exit)
}

func (p *process) closePipes() {
	p.stdin.Close()
	p.stdout.Close()
	p.stderr.Close()
}

// write gives b to the process as a whole or not at all.
func (p *process) write(b []byte) error {
	n, err := p.tryWrite(b)
	if again := errors.Is(err, syscall.EAGAIN); n < len(b) && (err == nil || again && !p.full) {
		var more int
		more, err = p.waitWrite(b[n:])
		n += more
	}
	p.full = errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.EAGAIN)
	switch {
	case err == nil:
		return nil
	case n > 0:
		return errPartialWrite
	case p.full:
		return errPipeFull
	default:
		return err
	}
}

// tryWrite writes what there is room for now. A deadline would not do that: it
// may pass before the attempt, on a busy machine.
func (p *process) tryWrite(b []byte) (n int, err error) {
	c, err := p.stdin.SyscallConn()
	if err != nil {
		return 0, err
	}
	closed := c.Write(func(fd uintptr) bool {
		n, err = nonblock.Write(fd, b)
		return true
	})
	return n, errors.Join(closed, err)
}

func (p *process) waitWrite(b []byte) (n int, err error) {
	if err := p.stdin.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	defer func() { _ = p.stdin.SetWriteDeadline(time.Time{}) }()
	return p.stdin.Write(b)
}
