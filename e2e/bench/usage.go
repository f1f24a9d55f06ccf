//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what a process has used so far.
type usage struct {
	at      time.Time
	cpu     time.Duration // user and system, of all threads
	waited  time.Duration // ready to run, without a CPU
	wakeups int           // switches from sleep to run
	rss     int           // KiB
	private int           // KiB, not shared with other processes
}

// cpuClock is the clock of a process's CPU time, in ns where /proc has ticks of
// 10 ms: what clock_getcpuclockid(3) makes of its id.
func cpuClock(pid int) int32 {
	const sched = 2 // CPUCLOCK_SCHED: all that the scheduler has given it
	return int32(^pid<<3 | sched)
}

// usageOf reads /proc. A process that is not ours to look at, or of another
// machine, is no error: pid 0 uses nothing.
func usageOf(pid int) (u usage, err error) {
	u.at = time.Now()
	if pid == 0 {
		return u, nil
	}
	var cpu unix.Timespec
	if err := unix.ClockGettime(cpuClock(pid), &cpu); err != nil {
		return u, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	u.cpu = time.Duration(cpu.Nano())
	dir := fmt.Sprintf("/proc/%d", pid)
	u.rss = field(dir+"/status", "VmRSS:")
	u.private = field(dir+"/smaps_rollup", "Private_Clean:") + field(dir+"/smaps_rollup", "Private_Dirty:")
	tasks, err := filepath.Glob(dir + "/task/*")
	for _, task := range tasks {
		var ran, waited int64
		if text, err := os.ReadFile(task + "/schedstat"); err == nil {
			_, _ = fmt.Sscan(string(text), &ran, &waited)
		}
		u.waited += time.Duration(waited)
		u.wakeups += field(task+"/status", "voluntary_ctxt_switches:")
	}
	return u, err
}

// field returns the number behind a name in a file of lines, 0 if there is none.
func field(file, name string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// goroutines reads go_goroutines from a Prometheus page, 0 without a URL.
func goroutines(url string) (int, error) {
	if url == "" {
		return 0, nil
	}
	resp, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			return strconv.Atoi(text)
		}
	}
	return 0, nil
}
