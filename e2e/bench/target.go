//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/e2e/free"
	"github.com/sluice-media/sluice/e2e/load"
)

const (
	startTime = 15 * time.Second
	stream    = "live/bench"
)

// foreign is a server that runs already.
type foreign struct {
	whep, rtmp, admin string
	pid               int
}

// target is the server that is measured. The floor has no WHEP endpoint.
type target struct {
	foreign
	cmd   *exec.Cmd // nil: not ours
	input io.WriteCloser
	log   bytes.Buffer // valid when the process has ended
}

// startTarget starts one of our servers, or returns a foreign one.
func startTarget(o *options, name string) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	rtmp, rtmpErr := free.TCP()
	http, httpErr := free.TCP()
	admin, adminErr := free.TCP()
	udp, udpErr := free.Media()
	if err := errors.Join(rtmpErr, httpErr, adminErr, udpErr); err != nil {
		return nil, err
	}
	t := &target{foreign: foreign{whep: "http://" + http + "/whep/" + stream}}
	switch name {
	case "sluice":
		t.rtmp, t.admin = rtmp+"/"+stream, "http://"+admin+"/metrics"
		return t, t.start(o.sluice, "--rtmp-addr", rtmp, "--http-addr", http, "--admin-addr", admin,
			"--webrtc-udp-addr", udp, "--log-level", "warn")
	case "plain":
		return t, t.start(self, "plain", "-http", http, "-clip", o.clip)
	case "floor":
		t.whep = ""
		return t, t.start(self, "floor", "-clip", o.clip)
	case o.foreign.whep:
		return &target{foreign: o.foreign}, nil
	default:
		return nil, fmt.Errorf("there is no server %q, but sluice, plain and floor", name)
	}
}

func (t *target) start(name string, args ...string) (err error) {
	t.cmd = exec.Command(name, args...)
	t.cmd.Stdout, t.cmd.Stderr = &t.log, &t.log
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if t.input, err = t.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := t.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	t.pid = t.cmd.Process.Pid
	return nil
}

// publish plays the clip to the server until the context ends.
func (t *target) publish(ctx context.Context, clip *load.Clip) error {
	addr, path, _ := strings.Cut(t.rtmp, "/")
	app, key, ok := strings.Cut(path, "/")
	if !ok {
		return fmt.Errorf("%q is not HOST:PORT/APP/KEY", t.rtmp)
	}
	return clip.Publish(ctx, addr, app, key)
}

// reachable waits until the WHEP endpoint's port answers.
func (t *target) reachable(ctx context.Context) error {
	return retry(ctx, func() error {
		conn, err := net.Dial("tcp", hostOf(t.whep))
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// close ends a server of ours and waits.
func (t *target) close() error {
	if t.cmd == nil {
		return nil
	}
	t.input.Close()
	_ = t.cmd.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(startTime, func() { _ = t.cmd.Process.Kill() })
	defer kill.Stop()
	if err := t.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", t.cmd.Path, err, t.log.Bytes())
	}
	return nil
}

// retry calls f until it succeeds.
func retry(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	return u.Host
}
