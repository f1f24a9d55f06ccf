// Package server runs the sluice binary under test: on free loopback ports,
// with its log, metrics, stream list and child processes at hand.
package server

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/free"
	"github.com/sluice-media/sluice/e2e/proc"
)

const (
	startTime = 10 * time.Second // until /readyz says 200
	stopTime  = 20 * time.Second // from SIGTERM to the end of the process
)

// Server is one running sluice.
type Server struct {
	*proc.Process

	// Addresses as host:port.
	RTMP, HTTP, Admin, UDP string

	// Token is shown where streams are listed: closed ones are not listed
	// without it.
	Token string

	tb testing.TB
}

// Start runs $SLUICE_BIN and waits until it is ready. When the test ends it is
// stopped with SIGTERM and must exit with code 0, without a panic or a data
// race in its log.
func Start(tb testing.TB, flags ...string) *Server {
	tb.Helper()
	s := &Server{RTMP: FreeTCP(tb), HTTP: FreeTCP(tb), Admin: FreeTCP(tb), UDP: freeMedia(tb), tb: tb}
	s.Process = proc.Start(tb, os.Getenv("SLUICE_BIN"), append([]string{
		"--rtmp-addr", s.RTMP, "--http-addr", s.HTTP, "--admin-addr", s.Admin, "--webrtc-udp-addr", s.UDP,
	}, flags...)...)
	tb.Cleanup(s.finish)
	await.Success(tb, startTime, s.ready)
	return s
}

func (s *Server) ready() error {
	if ended, err := s.Ended(); ended {
		s.tb.Fatalf("sluice ended while starting: %v", err)
	}
	resp, err := http.Get("http://" + s.Admin + "/readyz")
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz says %s", resp.Status)
	}
	return nil
}

// Resident returns the process's resident memory in bytes, 0 once it has ended.
func (s *Server) Resident() float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.PID()))
	var size, pages float64
	_, _ = fmt.Sscan(string(text), &size, &pages)
	return pages * float64(os.Getpagesize())
}

// Publish returns the RTMP URL of a stream app/key.
func (s *Server) Publish(stream string) string { return "rtmp://" + s.RTMP + "/" + stream }

// WHEP returns the URL to which viewers of a stream post their offers.
func (s *Server) WHEP(stream string) string { return "http://" + s.HTTP + "/whep/" + stream }

// WHIP returns the URL to which publishers of a stream post their offers.
func (s *Server) WHIP(stream string) string { return "http://" + s.HTTP + "/whip/" + stream }

// Studio returns the URL of the page that goes live as a stream.
func (s *Server) Studio(stream string) string { return "http://" + s.HTTP + "/publish?name=" + stream }

// Watch returns the URL of a stream's player page.
func (s *Server) Watch(stream string) string { return "http://" + s.HTTP + "/watch/" + stream }

// Terminate sends SIGTERM and returns how long the process took to end; the
// error tells how it ended.
func (s *Server) Terminate() (time.Duration, error) {
	start := time.Now()
	s.Signal(syscall.SIGTERM)
	err := s.Wait(stopTime)
	return time.Since(start), err
}

// finish is the end of every test: a clean exit, unless the test saw to the
// end itself, and a clean log.
func (s *Server) finish() {
	if ended, _ := s.Ended(); !ended {
		if took, err := s.Terminate(); err != nil {
			s.tb.Errorf("sluice after SIGTERM: %v (after %v)", err, took)
		}
	}
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:", "goroutine 1 ["} {
		if strings.Contains(s.Output(), bad) {
			s.tb.Errorf("sluice's log has %q", bad)
		}
	}
}

// FreeTCP returns a loopback address that nobody listens on.
func FreeTCP(tb testing.TB) string {
	tb.Helper()
	return found(tb, free.TCP)
}

func freeMedia(tb testing.TB) string {
	tb.Helper()
	return found(tb, free.Media)
}

func found(tb testing.TB, find func() (string, error)) string {
	tb.Helper()
	addr, err := find()
	if err != nil {
		tb.Fatal(err)
	}
	return addr
}
