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

// heard is what a viewer has reported, and when.
type heard struct {
	rtcp.Packet
	at time.Time
}

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
		now, urgent := time.Now(), false
		for _, p := range packets {
			v.vitals.heard(p, now)
			select {
			case v.reports <- heard{p, now}:
			default:
			}
			urgent = urgent || isUrgent(p)
		}
		if urgent {
			v.ask()
		}
	}
}

// isUrgent reports whether a report asks for something to be sent. What others
// say is soon enough with the next frame: a turn of its own costs more than all
// else about it.
func isUrgent(p rtcp.Packet) bool {
	switch p.(type) {
	case *rtcp.ReceiverReport, *rtcp.SourceDescription, *rtcp.ReceiverEstimatedMaximumBitrate:
		return false
	default:
		return true
	}
}
