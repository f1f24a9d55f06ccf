package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should take milliseconds.
const patience = 20 * time.Second

// record is a line of the log.
type record struct {
	Level, Msg                            string
	HTTP, RTMP, RTMPS, Page, Admin, Cause string
	Part, TURN                            string
}

// flags let tests run beside each other and whatever else is on this machine.
func flags(more ...string) []string {
	return append([]string{
		"--rtmp-addr=127.0.0.1:0", "--http-addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0",
		"--webrtc-udp-addr=127.0.0.1:0", "--log-format=json", "--log-level=debug",
	}, more...)
}

// gatewayInTest is a run of sluice within this process.
type gatewayInTest struct {
	t       *testing.T
	stop    context.CancelFunc
	records chan record
	code    chan int
	ready   record
}

// startGateway runs sluice until it is ready.
func startGateway(t *testing.T, args ...string) *gatewayInTest {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	g := &gatewayInTest{t: t, stop: cancel, code: make(chan int, 1)}
	r, w := io.Pipe()
	g.records = readLog(r)
	go func() {
		defer w.Close()
		g.code <- run(ctx, flags(args...), io.Discard, w)
	}()
	t.Cleanup(func() {
		cancel()
		for range g.records { // until the log ends
			continue
		}
	})
	g.ready = g.until("ready")
	return g
}

// readLog parses a log as it is written.
func readLog(r io.Reader) chan record {
	records := make(chan record, 1000)
	go func() {
		defer close(records)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			var rec record
			if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
				rec.Msg = lines.Text()
			}
			records <- rec
		}
	}()
	return records
}

func (g *gatewayInTest) until(msg string) record {
	g.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case rec, ok := <-g.records:
			if !ok {
				g.t.Fatalf("the log ended without %q", msg)
			}
			if rec.Msg == msg {
				return rec
			}
		case <-deadline:
			g.t.Fatalf("no %q in the log", msg)
		}
	}
}

func (g *gatewayInTest) exitCode() int {
	g.t.Helper()
	select {
	case code := <-g.code:
		return code
	case <-time.After(patience):
		g.t.Fatal("sluice does not end")
		return -1
	}
}

// get returns a response's status and body; 0 if there is none.
func get(url string) (int, string) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func TestRunServesAndEnds(t *testing.T) {
	g := startGateway(t, "--video-only")
	for _, c := range []struct {
		url    string
		status int
		holds  string
	}{
		{g.ready.Admin + "readyz", http.StatusOK, "ready"},
		{g.ready.Admin + "healthz", http.StatusOK, "ok"},
		{g.ready.Admin + "metrics", http.StatusOK, "go_goroutines"},
		{g.ready.Admin + "debug/pprof/", http.StatusOK, "goroutine"},
		{g.ready.Page, http.StatusOK, "<html"},
		{g.ready.Page + "api/streams", http.StatusOK, `"streams":[]`},
		{g.ready.Page + "metrics", http.StatusNotFound, ""},
		{g.ready.Page + "debug/pprof/", http.StatusNotFound, ""},
	} {
		status, body := get(c.url)
		if status != c.status || !strings.Contains(body, c.holds) {
			t.Errorf("GET %s: %d %.200s, want %d and %q in it", c.url, status, body, c.status, c.holds)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, g.ready.Page+"whep/live/show", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Accept-Post"); got != "application/sdp" {
		t.Errorf("WHEP accepts %q, want application/sdp", got)
	}
	rtmp, err := url.Parse(g.ready.RTMP)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", rtmp.Host)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()

	g.stop()
	if code := g.exitCode(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
}

// A load balancer sees the drain before the last request is done.
func TestReadyzWhileDraining(t *testing.T) {
	g := startGateway(t, "--video-only")
	web, err := url.Parse(g.ready.Page)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", web.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: half a request\r\n"); err != nil {
		t.Fatal(err)
	}

	g.stop()
	g.until("shutting down")
	status, body := get(g.ready.Admin + "readyz")
	for deadline := time.Now().Add(patience); status == http.StatusOK && time.Now().Before(deadline); {
		status, body = get(g.ready.Admin + "readyz")
	}
	if status != http.StatusServiceUnavailable || strings.TrimSpace(body) != "draining" {
		t.Errorf("/readyz says %d %q, want 503 draining", status, body)
	}
	if status, _ := get(g.ready.Admin + "healthz"); status != http.StatusOK {
		t.Errorf("/healthz says %d, want 200 to the end", status)
	}
	conn.Close()
	if code := g.exitCode(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
}

// Each port that is taken is a failure to start, in one sentence that names the
// flag and how to find the other program; what was bound before is free again.
func TestTakenPorts(t *testing.T) {
	for _, c := range []struct{ flag, network, asks string }{
		{"--rtmp-addr", "tcp", "ss -Hlp --tcp"},
		{"--http-addr", "tcp", "ss -Hlp --tcp"},
		{"--admin-addr", "tcp", "ss -Hlp --tcp"},
		{"--webrtc-udp-addr", "udp", "ss -Hlp --udp"},
		{"--webrtc-tcp-addr", "tcp", "ss -Hlp --tcp"},
		{"--turn-addr", "udp", "ss -Hlp --udp"},
	} {
		t.Run(c.flag, func(t *testing.T) {
			taken := take(t, c.network)
			var stderr strings.Builder
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			code := run(ctx, flags("--video-only", c.flag+"="+taken), io.Discard, &stderr)
			if code != exitFailure {
				t.Errorf("exit code %d, want %d", code, exitFailure)
			}
			for _, want := range []string{"cannot listen on " + c.flag + " " + taken, c.asks} {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("says %s, want %q in it", &stderr, want)
				}
			}
		})
	}
}

// take binds a port for the test's time and returns its address.
func take(t *testing.T, network string) string {
	t.Helper()
	if network == "udp" {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn.LocalAddr().String()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestWithoutFFmpeg(t *testing.T) {
	var stderr strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	code := run(ctx, flags("--ffmpeg=/nowhere/ffmpeg"), io.Discard, &stderr)
	if code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	for _, want := range []string{"/nowhere/ffmpeg", "apt-get install ffmpeg", "--video-only"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("says %s, want %q in it", &stderr, want)
		}
	}
}

// What a human sees who starts it for the first time.
func TestWelcome(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		defer w.Close()
		code <- run(ctx, flags("--video-only", "--log-format=text"), w, io.Discard)
	}()
	var said strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), "Watch") {
			cancel()
		}
	}
	for _, want := range []string{"rtmp://127.0.0.1:", "/live\n", "Stream Key", "http://127.0.0.1:"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("says %s, want %q in it", &said, want)
		}
	}
	cancel()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d, want %d", got, exitOK)
	}
}

// SIGTERM ends publishers, hubs and viewers, HTTP, ffmpeg and the admin port,
// in this order.
func TestSIGTERM(t *testing.T) {
	cmd := exec.Command(os.Args[0], flags()...)
	cmd.Env = append(os.Environ(), asSluice+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()

	var ended []string
	var cause string
	for rec := range readLog(stderr) {
		switch rec.Msg {
		case "ready":
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		case "shutting down":
			cause = rec.Cause
		case "closed":
			ended = append(ended, rec.Part)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("sluice ends with %v, want exit code 0", err)
	}
	if !strings.Contains(cause, "terminated") {
		t.Errorf("the log gives %q as the cause, want the signal", cause)
	}
	if want := []string{"ingest", "whip", "egress", "sessions", "doctor", "http", "webrtc", "transcode", "gate", "admin"}; !slices.Equal(ended, want) {
		t.Errorf("ended %v, want %v", ended, want)
	}
}
