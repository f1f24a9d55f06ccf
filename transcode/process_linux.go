package transcode

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sysProcAttr puts the process into a group of its own, so that a Ctrl-C on
// the terminal does not reach it and kill can end what it may have started,
// and lets the kernel kill it when the thread that started it ends, even if
// that is by a SIGKILL of Sluice.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// setPipeSize sets how many bytes a pipe holds (fcntl(2), F_SETPIPE_SZ); the
// kernel rounds up to a page.
func setPipeSize(f *os.File, size int) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := c.Control(func(fd uintptr) {
		_, err = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size)
	})
	if err := errors.Join(controlErr, err); err != nil {
		return fmt.Errorf("set the size of a pipe to %d: %w", size, err)
	}
	return nil
}

// kill sends SIGKILL to the process and its group, unless it has been reaped.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL)
	}
}

// reap waits for the end of the process, kills what is left of its group and
// returns how it ended. Until Wait the process is a zombie, so that its pid
// names no other group.
func (p *process) reap() error {
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaped = true
	return p.cmd.Wait()
}
