//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/server"
)

// TestDoctor has the command and the page try all ways to a server that offers
// all but TURN over TLS.
func TestDoctor(t *testing.T) {
	s := server.Start(t, "--turn-addr=127.0.0.1:0")
	command := proc.Start(t, os.Getenv("SLUICE_BIN"), "doctor", "http://"+s.HTTP+"/")
	page := browser.StartChromium(t).Open(t, "http://"+s.HTTP+"/doctor")
	if err := command.Wait(30 * time.Second); err != nil {
		t.Errorf("sluice doctor: %v", err)
	}
	for _, want := range []string{"UDP works", "ICE-TCP works", "?transport=udp works", "?transport=tcp works"} {
		if !strings.Contains(command.Output(), want) {
			t.Errorf("sluice doctor says\n%s\nwant %q in it", command.Output(), want)
		}
	}
	page.WaitState("well", 40*time.Second)
	said := page.Text()
	for _, want := range []string{
		"every way that is offered is open", "UDP, the best way, works", "ICE over TCP works",
		"?transport=udp works", "?transport=tcp works", "plays H.264",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the page says\n%s\nwant %q in it", said, want)
		}
	}
	page.Screenshot("doctor")
}

// TestDoctorFindsFaults: where the media ports lead nowhere, it says which to
// open.
func TestDoctorFindsFaults(t *testing.T) {
	s := server.Start(t, "--webrtc-public-ip=203.0.113.7")
	command := proc.Start(t, os.Getenv("SLUICE_BIN"), "doctor", "http://"+s.HTTP+"/")
	page := browser.StartChromium(t).Open(t, "http://"+s.HTTP+"/doctor")
	if err := command.Wait(40 * time.Second); err == nil {
		t.Error("sluice doctor finds nothing")
	}
	port := s.UDP[strings.LastIndexByte(s.UDP, ':')+1:]
	if want := "open UDP port " + port; !strings.Contains(command.Output(), want) {
		t.Errorf("sluice doctor says\n%s\nwant %q in it", command.Output(), want)
	}
	page.WaitState("ill", 60*time.Second)
	if said, want := page.Text(), "open UDP port "+port; !strings.Contains(said, want) || !strings.Contains(said, "cannot be reached") {
		t.Errorf("the page says\n%s\nwant %q in it", said, want)
	}
	page.Screenshot("doctor-ill")
}
