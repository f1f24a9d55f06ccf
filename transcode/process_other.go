//go:build !linux

package transcode

import (
	"os"
	"syscall"
)

// Where there is no Pdeathsig a process ends when its stdin does, within
// 150 ms of Sluice's end.
func sysProcAttr() *syscall.SysProcAttr { return nil }

func setPipeSize(*os.File, int) error { return nil }

func (p *process) kill() { _ = p.cmd.Process.Kill() }

func (p *process) reap() error { return p.cmd.Wait() }
