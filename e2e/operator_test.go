//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
	"github.com/sluice-media/sluice/e2e/whip"
)

// TestOperator: the command line lists who is there with their figures, sends
// them away, and drains: who is there stays, nobody new comes.
func TestOperator(t *testing.T) {
	t.Parallel() // with the tests that only wait
	const stream = "live/show"
	s := server.Start(t)
	sluice := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(os.Getenv("SLUICE_BIN"), append(args, "--admin-addr", s.Admin)...).CombinedOutput()
		if err != nil {
			t.Fatalf("sluice %s: %v: %s", args, err, out)
		}
		return string(out)
	}
	until := func(pattern string, args ...string) []string {
		t.Helper()
		var found []string
		await.Success(t, 20*time.Second, func() error {
			out := sluice(args...)
			if found = regexp.MustCompile(pattern).FindStringSubmatch(out); found == nil {
				return fmt.Errorf("sluice %s says %s", args, out)
			}
			return nil
		})
		return found
	}
	publisher := source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	first := viewer.Join(t, s.WHEP(stream))
	first.Playing(10)
	until(`live/show +\d+s +H\.264 640x360 30 fps +Opus 48000 Hz +1 +[0-9.]+ MB +127.0.0.1`, "streams")
	id := until(`(?m)^(\w+) +live/show +connected +\d+s +H\.264 +[0-9]\.[0-9] MB +0\.0 % +\d+\.\d ms +127.0.0.1:\d+$`, "viewers", stream)[1]

	sluice("kick", id)
	until(`^VIEWER.*\n$`, "viewers")
	stays := viewer.Join(t, s.WHEP(stream))
	stays.Playing(10)

	sluice("drain", "--timeout", "1m")
	if resp, err := http.Get("http://" + s.Admin + "/readyz"); err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %v, %v", resp, err)
	}
	if _, err := viewer.TryJoin(t, s.WHEP(stream)); err == nil || !strings.Contains(err.Error(), `503 Service Unavailable, Retry-After "10"`) {
		t.Errorf("a viewer joins a Sluice that drains: %v", err)
	}
	if _, err := whip.Publish(t, s.WHIP("live/late")); err == nil || !strings.Contains(err.Error(), `503 Service Unavailable, Retry-After "10"`) {
		t.Errorf("a publisher comes by WHIP into a Sluice that drains: %v", err)
	}
	if late := (source.FFmpeg{}).Publish(t, s.Publish("live/late")); late.Wait(10*time.Second) == nil || !strings.Contains(s.Output(), "about to stop") {
		t.Errorf("a publisher is let into a Sluice that drains, or not told why it is not:\n%s", late.Output())
	}
	stays.Playing(60)
	sluice("kick", stream)
	if err := publisher.Wait(10 * time.Second); err == nil {
		t.Error("the publisher that was kicked ended with success")
	}
	await.Success(t, 10*time.Second, func() error {
		if ended, err := s.Ended(); !ended || err != nil {
			return errors.Join(errors.New("sluice is still there, or ended badly"), err)
		}
		return nil
	})
}
