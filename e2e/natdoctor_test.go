//go:build e2e && nat

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/lab"
	"github.com/sluice-media/sluice/e2e/proc"
)

// finding is what the doctor says of a way: on the command line and on the page,
// if it is open and if it is closed.
type finding struct{ open, closed, pageOpen, pageClosed string }

// findings are those of the ways in networks, in their order; in the first all are
// open.
var findings = []finding{
	{
		"UDP works", "UDP does not work (no connection within 8s): open UDP port 8189 in the firewall",
		"UDP, the best way, works", "UDP, the best way, does not work: open UDP port 8189",
	},
	{
		"ICE-TCP works", "ICE-TCP does not work (no connection within 8s): open TCP port 8189 in the firewall",
		"ICE over TCP works", "ICE over TCP does not work: open TCP port 8189",
	},
	turnFinding("turn:" + lab.Public + ":3478?transport=udp"),
	turnFinding("turn:" + lab.Public + ":3478?transport=tcp"),
	turnFinding("turns:" + lab.Public + ":443?transport=tcp"),
}

func turnFinding(url string) finding {
	return finding{
		url + " works", url + " does not work (no connection within 8s): open the port of " + url,
		url + " works", url + " does not work: open its port",
	}
}

// expected are the sentences of a network, the number of one of networks, or -1
// where nothing is open.
func expected(network int) (command, page []string) {
	for i, f := range findings {
		if network == 0 || network == i {
			command, page = append(command, f.open), append(page, f.pageOpen)
		} else {
			command, page = append(command, f.closed), append(page, f.pageClosed)
		}
	}
	switch network {
	case 0:
		page = append(page, "every way that is offered is open")
	case -1:
		page = append(page, "streams will not play here")
	default:
		page = append(page, "can watch, though not every way is open")
	}
	return command, page
}

// TestDoctorTellsTheTruth: behind each firewall of the lab, and behind one that
// lets nothing but the page through, the doctor says of each way what is so; and
// what it says to open opens it.
func TestDoctorTellsTheTruth(t *testing.T) {
	for i := -1; i < len(networks); i++ {
		name, allow := "nothing", []string(nil)
		if i >= 0 {
			name, allow = networks[i].name, networks[i].allow
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t)
			_, certificate := startIn(t, l)
			ask := func() *proc.Process {
				return l.OnViewer(t, "env", "SSL_CERT_FILE="+certificate, os.Getenv("SLUICE_BIN"), "doctor", "http://"+lab.Public+":8080/")
			}
			command, page := expected(i)
			l.Allow(t, append(allow[:len(allow):len(allow)], "tcp dport 8080")...)
			doctor := ask()
			err := doctor.Wait(2 * time.Minute)
			if (err == nil) != (i == 0) {
				t.Errorf("sluice doctor ends with %v", err)
			}
			says(t, "sluice doctor", doctor.Output(), command)
			if i != 0 {
				l.Allow(t, append(allow[:len(allow):len(allow)], "tcp dport 8080", "udp dport 8189")...)
				again := ask()
				_ = again.Wait(2 * time.Minute)
				says(t, "sluice doctor, obeyed,", again.Output(), []string{findings[0].open})
			}
			l.Allow(t, append(allow[:len(allow):len(allow)], "tcp dport 8080")...)
			watchFrom(t, l, "TestDoctorPageBehindNAT", "NAT_DOCTOR=http://"+lab.Public+":8080/doctor", "NAT_SAYS="+strings.Join(page, "|"), "CHROMIUM="+os.Getenv("CHROMIUM"))
		})
	}
}

// says checks that each of some sentences is there.
func says(t *testing.T, who, text string, want []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s says\n%s\nwant %q in it", who, text, w)
		}
	}
}

// TestDoctorPageBehindNAT is the page of TestDoctorTellsTheTruth.
func TestDoctorPageBehindNAT(t *testing.T) {
	url := os.Getenv("NAT_DOCTOR")
	if url == "" {
		t.Skip("runs in the namespace of a viewer")
	}
	page := browser.StartChromium(t, "ignore-certificate-errors").Open(t, url)
	want := strings.Split(os.Getenv("NAT_SAYS"), "|")
	state := "well"
	if strings.Contains(want[len(want)-1], "not play") {
		state = "ill"
	}
	page.WaitState(state, 80*time.Second) // a way that is closed takes ten
	says(t, "the page", page.Text(), want)
}
