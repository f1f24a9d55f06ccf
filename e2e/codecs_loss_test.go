//go:build e2e && codecs

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/relay"
	"github.com/sluice-media/sluice/e2e/server"
)

// TestCodecsUnderLoss: VP9 and AV1 are repaired as H.264 is. A viewer who loses
// 3 % of his packets sees nearly all pictures, and one whose line is dead for
// a second moves again.
func TestCodecsUnderLoss(t *testing.T) {
	s := server.Start(t)
	glass := browser.StartChromium(t).OpenGlass(t, "http://"+s.HTTP+"/api/streams")
	for _, codec := range []string{"AV1", "VP9"} {
		t.Run(codec, func(t *testing.T) {
			name := strings.ToLower(codec)
			playRecorded(t, s.RTMP, name)
			s.WaitLive("live/" + name)
			r := relay.Start(t, s.UDP, 20*time.Millisecond)
			glass.Join(name, s.WHEP("live/"+name), r.Port)
			defer glass.Leave(name)
			watch(t, 5*time.Second)
			during := func(length time.Duration) (fps float64, now browser.Reading) {
				before := glass.Reading(name)
				watch(t, length)
				now = glass.Reading(name)
				return float64(now.Decoded-before.Decoded) / length.Seconds(), now
			}
			attempts(t, func() error {
				r.Lose(0.03)
				lossy, _ := during(8 * time.Second)
				r.Lose(0)
				r.Blackout(time.Second)
				watch(t, 2*time.Second)
				afterwards, now := during(4 * time.Second)
				t.Logf("%.1f pictures a second at 3 %% loss, %.1f after a second without any packet; %v; %s", lossy, afterwards, now, repairs(s.Scrape()))
				if lossy < 0.9*frameRate || afterwards < 0.9*frameRate {
					return fmt.Errorf("%.1f and %.1f pictures a second of %d", lossy, afterwards, frameRate)
				}
				return nil
			})
		})
	}
}
