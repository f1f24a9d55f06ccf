package main

import (
	"strings"
	"testing"
)

// The doctor finds what a running Sluice offers, and who cannot reach it.
func TestDiagnose(t *testing.T) {
	g := startGateway(t, "--video-only", "--turn-addr=127.0.0.1:0")
	var said strings.Builder
	if code := run(t.Context(), []string{"doctor", g.ready.Page}, &said, &said); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"ok    HTTP", "ok    UDP", "ok    ICE-TCP", "?transport=udp works", "?transport=tcp works",
		"note  Addresses    announced is 127.0.0.1, which viewers on the internet cannot reach",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("says\n%s\nwant %q in it", &said, want)
		}
	}
	g.stop()
	if code := g.exitCode(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	said.Reset()
	if code := run(t.Context(), []string{"doctor", g.ready.Page}, &said, &said); code != exitFailure || !strings.Contains(said.String(), "FAIL  HTTP") {
		t.Errorf("of one that has ended it says %d %s", code, &said)
	}
}

func TestDiagnoseLocal(t *testing.T) {
	for bound, want := range map[string]string{":8080": "127.0.0.1:8080", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "127.0.0.1:1", "192.0.2.1:1": "192.0.2.1:1", "host:1": "host:1"} {
		if got := local(bound); got != want {
			t.Errorf("%s is asked at %s, want %s", bound, got, want)
		}
	}
	var said strings.Builder
	if code := run(t.Context(), []string{"doctor", "example.com"}, &said, &said); code != exitUsage {
		t.Errorf("exit code %d of a name without a scheme: %s", code, &said)
	}
}
