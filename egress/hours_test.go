package egress

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// A viewer watches for two hours while the publisher's clock runs away from
// ours by 200 ppm, 1.4 s in all, and every number wraps: what the viewer is told
// of the time keeps up, no frame waits, and what it loses after two hours is
// still found.
func TestTwoHours(t *testing.T) {
	for name, drift := range map[string]float64{"slow": 200e-6, "fast": -200e-6} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 240, 0)
			s.drift = drift
			track := s.play.track
			track.base = -uint32(time.Hour.Seconds()) * videoClock // wraps after an hour
			var start, worst time.Duration
			wraps := 0
			for minute := range 120 {
				for range 60 * 30 {
					before := track.header.SequenceNumber
					s.publish()
					for s.play.step(s.now, &ledger{}) == 0 {
						continue
					}
					if track.header.SequenceNumber < before {
						wraps++
					}
				}
				headers := s.wire.take()
				if n := len(s.frames(headers)); n < 60*30-2 {
					t.Fatalf("minute %d: %d frames", minute, n)
				}
				late := s.hub.clock.at(s.now) - time.Duration(s.index)*frameTime
				if minute == 0 {
					start = late
				}
				worst = max(worst, (late - start).Abs())
			}
			t.Logf("%d wraps of the sequence number; off by %v", wraps, worst)
			if worst > 20*time.Millisecond {
				t.Errorf("the time that viewers are told is off by %v", worst)
			}
			if wraps < 6 {
				t.Errorf("%d wraps", wraps)
			}
			lost := track.header.SequenceNumber - 3
			s.play.feedback(&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{lost})}, s.now)
			if again := s.wire.take(); len(again) != 1 || again[0].SSRC != 2 {
				t.Errorf("%d packets sent for a lost one", len(again))
			}
			s.play.feedback(&rtcp.PictureLossIndication{MediaSSRC: 1}, s.now)
			ts := s.frames(s.run(2 * time.Second))
			if len(ts) < 60 || s.lag(ts) > 3*frameTime {
				t.Errorf("after a replay: %d frames, %v behind", len(ts), s.lag(ts))
			}
		})
	}
}
