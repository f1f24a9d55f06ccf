package egress

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// reportPause returns how long to wait for the next sender reports: dense at
// the start, because a receiver needs two of each track before it can
// synchronise them, then as often as is cheap.
func reportPause(sent int) time.Duration {
	switch {
	case sent < 3:
		return 50 * time.Millisecond
	case sent < 10:
		return 250 * time.Millisecond
	default:
		return time.Second
	}
}

// maxRTCP is the size in bytes of the largest RTCP packet read: a receiver's
// are bounded by its MTU.
const maxRTCP = 1500

// readRTCP takes note of what a viewer reports until its connection closes.
func (v *Viewer) readRTCP(s *webrtc.RTPSender) {
	buf := make([]byte, maxRTCP)
	for {
		n, _, err := s.Read(buf)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue // a broken report is the viewer's own loss
		}
		for _, p := range packets {
			v.vitals.heard(p, time.Now())
			select {
			case v.reports <- p:
			default:
			}
		}
		v.ask()
	}
}
