package viewer

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// reports holds the last sender report of a track (RFC 3550 §6.4.1).
type reports struct {
	mu    sync.Mutex
	last  rtcp.SenderReport
	count int
}

func (r *reports) read(receiver *webrtc.RTPReceiver) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok {
				r.mu.Lock()
				r.last, r.count = *sr, r.count+1
				r.mu.Unlock()
			}
		}
	}
}

// Reports is the number of sender reports so far, and the SSRC of the last.
func (t *Track) Reports() (count int, ssrc uint32) {
	t.reports.mu.Lock()
	defer t.reports.mu.Unlock()
	return t.reports.count, t.reports.last.SSRC
}

// WallClock maps an RTP timestamp through the last sender report to the
// sender's clock.
func (t *Track) WallClock(timestamp uint32) time.Duration {
	t.reports.mu.Lock()
	defer t.reports.mu.Unlock()
	const fraction = 32 // bits of NTP's fixed point, RFC 3550 §4
	ntp := t.reports.last.NTPTime
	sent := time.Duration(ntp>>fraction)*time.Second + time.Duration((ntp&(1<<fraction-1))*uint64(time.Second)>>fraction)
	after := int32(timestamp - t.reports.last.RTPTime)
	return sent + time.Duration(after)*time.Second/time.Duration(t.clock)
}
