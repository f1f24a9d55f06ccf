package transcode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestSpare: a process is ready before anyone asks, and another one after.
func TestSpare(t *testing.T) {
	p := newPool(t, Config{Spares: 2})
	first := p.awaitSpares(t, 2)
	child, err := p.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if child != first[0] {
		t.Error("the first spare was not taken")
	}
	p.awaitSpares(t, 2)
	if err := child.end(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("end: %v", err)
	}
}

// TestDeadSpare: one that died while it waited is not handed out.
func TestDeadSpare(t *testing.T) {
	p := newPool(t, Config{})
	spare := p.awaitSpares(t, 1)[0]
	spare.kill()
	<-spare.done
	child, err := p.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if child == spare || child.ended() {
		t.Error("a dead process was handed out")
	}
	_ = child.end()
}

// TestNoSpares: without spares a process is started when it is needed.
func TestNoSpares(t *testing.T) {
	r := newRig(t, Config{Spares: -1})
	if n := r.value("processes", ""); n != 0 {
		t.Errorf("%v processes", n)
	}
	r.feed(encodeAAC(t, 48000, 2, 0, time.Second))
	r.until(900 * time.Millisecond)
	if n := r.value("processes", ""); n != 1 {
		t.Errorf("%v processes", n)
	}
}

// awaitSpares returns the spares when there are so many.
func (p *Pool) awaitSpares(t testing.TB, n int) (spares []*process) {
	t.Helper()
	within(t, 10*time.Second, "spare", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		spares = append([]*process(nil), p.spares...)
		return len(spares) == n
	})
	return spares
}

// TestLimit: a process more than allowed is an error; the end of one makes
// room for the next at once.
func TestLimit(t *testing.T) {
	p := newPool(t, Config{MaxProcesses: 2})
	p.awaitSpares(t, 1)
	var children []*process
	for range 2 {
		child, err := p.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, child)
	}
	if _, err := p.take(t.Context()); !errors.Is(err, errTooMany) {
		t.Errorf("third process: %v", err)
	}
	for range 20 {
		_ = children[0].end()
		child, err := p.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		children[0] = child
	}
	_, _ = children[0].end(), children[1].end()
}

// TestClose: it ends spares, processes in use, and those of a wrapper; the
// end of the context does as well.
func TestClose(t *testing.T) {
	for _, c := range []struct {
		name, ffmpeg string
		close        func(*Pool, context.CancelFunc)
	}{
		{"Close", "", func(p *Pool, _ context.CancelFunc) { p.Close() }},
		{"context", "", func(p *Pool, cancel context.CancelFunc) { cancel(); p.running.Wait() }},
		{"wrapper", fake(t, "sleep 1000; true"), func(p *Pool, _ context.CancelFunc) { p.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p, err := NewPool(ctx, Config{Spares: 2, FFmpeg: c.ffmpeg})
			if err != nil {
				t.Fatal(err)
			}
			p.awaitSpares(t, 2)
			child, err := p.take(ctx)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() {
				<-child.done
				ended <- child.end()
			}()
			before := children(t, os.Getpid())
			if len(before) < 2 {
				t.Errorf("processes %v, want 2 at least", before)
			}
			c.close(p, cancel)
			<-ended
			for _, pid := range before { // a wrapper's child is for init to reap
				within(t, 5*time.Second, fmt.Sprintf("end of process %d", pid), func() bool { return !alive(pid) })
			}
			if _, err := p.take(t.Context()); !errors.Is(err, errClosed) {
				t.Errorf("take after Close: %v", err)
			}
		})
	}
}

// children returns the pids of all descendants.
func children(t testing.TB, pid int) (pids []int) {
	t.Helper()
	lists, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, l := range lists {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, l.Name()))
		for f := range strings.FieldsSeq(string(b)) {
			var child int
			fmt.Sscan(f, &child)
			pids = append(append(pids, child), children(t, child)...)
		}
	}
	return pids
}

// alive says whether a process exists and is not a zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

// TestThread: processes outlive the threads of those who asked for them.
func TestThread(t *testing.T) {
	var p *Pool
	got := make(chan *process)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		p = newPool(t, Config{})
		p.awaitSpares(t, 1)
		child, err := p.take(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- child
	}()
	child := <-got
	spare := p.awaitSpares(t, 1)[0]
	select {
	case <-child.done:
		t.Error("the process ended with the thread that took it")
	case <-spare.done:
		t.Error("the spare ended with the thread that made the pool")
	case <-time.After(300 * time.Millisecond): // the kernel would do it at once
	}
	_ = child.end()
}

// TestOrphans: when Sluice is killed with SIGKILL its processes die, even one
// that takes no notice of its stdin's end.
func TestOrphans(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SLUICE_TEST_PART=pool", "SLUICE_TEST_FAKE="+fake(t, "exec sleep 1000"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("helper says %q, %v", line, err)
	}
	pids := children(t, cmd.Process.Pid)
	if len(pids) != 4 {
		t.Errorf("the helper has processes %v, want 4", pids)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, pid := range pids {
		within(t, 5*time.Second, fmt.Sprintf("end of process %d", pid), func() bool { return !alive(pid) })
	}
}

// poolHelper is a Sluice with two processes in use and two spares.
func poolHelper() error {
	p, err := NewPool(context.Background(), Config{FFmpeg: os.Getenv("SLUICE_TEST_FAKE"), Spares: 2})
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := p.take(context.Background()); err != nil {
			return err
		}
	}
	for p.missingSpares() > 0 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("ready")
	select {}
}
