package egress

import (
	"testing"

	"github.com/pion/rtcp"
)

// What asks for something is answered at once; what tells how things go waits
// for the next frame.
func TestUrgentReports(t *testing.T) {
	for _, p := range []rtcp.Packet{
		&rtcp.TransportLayerNack{}, &rtcp.PictureLossIndication{}, &rtcp.FullIntraRequest{}, &rtcp.TransportLayerCC{},
	} {
		if !isUrgent(p) {
			t.Errorf("%T can wait", p)
		}
	}
	for _, p := range []rtcp.Packet{
		&rtcp.ReceiverReport{}, &rtcp.SourceDescription{}, &rtcp.ReceiverEstimatedMaximumBitrate{},
	} {
		if isUrgent(p) {
			t.Errorf("%T is urgent", p)
		}
	}
}
