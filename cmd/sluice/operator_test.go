package main

import (
	"io"
	"net/url"
	"strings"
	"testing"
)

// adminOf is the admin port of a gateway.
func adminOf(t *testing.T, g *gatewayInTest) string {
	t.Helper()
	u, err := url.Parse(g.ready.Admin)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestOperatorCommands(t *testing.T) {
	g := startGateway(t, "--video-only")
	at := "--admin-addr=" + adminOf(t, g)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"streams " + at, exitOK, "STREAM"},
		{"streams --json " + at, exitOK, `"streams": []`},
		{"viewers live/show " + at, exitOK, "VIEWER"},
		{"kick live/show " + at, exitFailure, "nobody publishes live/show"},
		{"kick abc def " + at, exitFailure, "there is no viewer def"},
		{"kick " + at, exitUsage, "sluice kick --help"},
		{"viewers a b " + at, exitUsage, "unexpected argument b"},
		{"drain --help", exitOK, "--timeout"},
		{"streams --admin-addr=127.0.0.1:1", exitFailure, "no Sluice answers at --admin-addr 127.0.0.1:1"},
	} {
		var said strings.Builder
		if code := run(t.Context(), strings.Fields(c.args), &said, &said); code != c.code || !strings.Contains(said.String(), c.says) {
			t.Errorf("sluice %s: exit code %d, %s; want %d and %q", c.args, code, said.String(), c.code, c.says)
		}
	}
}

// A drain without publishers ends Sluice at once, by itself and with success.
func TestDrainEnds(t *testing.T) {
	g := startGateway(t, "--video-only")
	if code := run(t.Context(), []string{"drain", "--admin-addr=" + adminOf(t, g)}, io.Discard, io.Discard); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	if status, body := get(g.ready.Admin + "readyz"); status != 503 && status != 0 {
		t.Errorf("/readyz says %d %s", status, body)
	}
	g.until("stopped")
	if code := g.exitCode(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestReachable(t *testing.T) {
	for addr, want := range map[string]string{
		":9095": "127.0.0.1:9095", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "127.0.0.1:1",
		"192.0.2.1:1": "192.0.2.1:1", "[2001:db8::1]:1": "[2001:db8::1]:1", "gateway:1": "gateway:1", "odd": "odd",
	} {
		if got := reachable(addr); got != want {
			t.Errorf("%s is asked at %s, want %s", addr, got, want)
		}
	}
}
