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

// readRTCP reads what a viewer reports, where pion has it, until its connection
// closes.
func (v *Viewer) readRTCP(s *webrtc.RTPSender) {
	buf := make([]byte, maxRTCP)
	for {
		n, _, err := s.Read(buf)
		if err != nil {
			return
		}
		v.hear(buf[:n])
	}
}

// hear takes note of a compound packet of the viewer's. One that is broken is
// its own loss.
func (v *Viewer) hear(compound []byte) {
	packets, err := rtcp.Unmarshal(compound)
	if err != nil {
		return
	}
	now, urgent := time.Now(), false
	for _, p := range packets {
		switch p.(type) {
		case *rtcp.ReceiverReport:
			v.vitals.heard(p, now)
		case *rtcp.TransportLayerNack, *rtcp.PictureLossIndication, *rtcp.FullIntraRequest, *rtcp.TransportLayerCC:
			urgent = true
		default:
			continue
		}
		select {
		case v.reports <- heard{p, now}:
		default:
		}
	}
	// What asks for nothing is soon enough with the next frame: a turn of its own
	// costs more than all else about it.
	if urgent {
		v.ask()
	}
}
