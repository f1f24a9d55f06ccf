// Package proc runs the programs of a test and makes sure that none outlives
// it.
package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Process is one running program.
type Process struct {
	name   string
	tb     testing.TB
	cmd    *exec.Cmd
	output buffer
	done   chan struct{} // closed when the process has been waited for
	err    error         // of Wait, valid after done
}

// Start runs a program. Its output is kept, and logged if the test fails. It
// is killed when the test ends, or dies.
func Start(tb testing.TB, name string, args ...string) *Process {
	tb.Helper()
	p := &Process{name: filepath.Base(name), tb: tb, cmd: exec.Command(name, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.WaitDelay = time.Second // a grandchild may hold the output open
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	tb.Cleanup(func() {
		p.Kill()
		if tb.Failed() {
			tb.Logf("output of %s %v:\n%s", p.name, args, tail(p.Output()))
		}
	})
	return p
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output returns what the program has printed so far, on both of its outputs.
func (p *Process) Output() string { return p.output.String() }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended says whether the program has ended, and how.
func (p *Process) Ended() (bool, error) {
	select {
	case <-p.done:
		return true, p.err
	default:
		return false, nil
	}
}

// Wait waits for the end of the program, and ends the test if that takes too
// long. The error is that of exec.Cmd.Wait.
func (p *Process) Wait(within time.Duration) error {
	p.tb.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		p.Signal(syscall.SIGQUIT) // a Go program leaves its stacks in the output
		p.tb.Fatalf("%s still runs after %v", p.name, within)
	}
	return p.err
}

// Signal sends a signal unless the program has ended.
func (p *Process) Signal(sig os.Signal) {
	if ended, _ := p.Ended(); !ended {
		_ = p.cmd.Process.Signal(sig) // it may end just now
	}
}

// Kill sends SIGKILL and waits.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}
