package egress

import (
	"testing"

	"github.com/pion/rtcp"
)

// What asks for something is answered at once; what tells how things go waits
// for the next frame; the rest nobody needs.
func TestReportsHeard(t *testing.T) {
	for _, c := range []struct {
		packet       rtcp.Packet
		kept, urgent bool
	}{
		{&rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: 1}}}, true, true},
		{&rtcp.PictureLossIndication{}, true, true},
		{&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 1}}}, true, true},
		{&rtcp.TransportLayerCC{ // says that one packet was lost
			Header:            rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5, Padding: true},
			PacketStatusCount: 1, PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{RunLength: 1}},
		}, true, true},
		{&rtcp.ReceiverReport{}, true, false},
		{rtcp.NewCNAMESourceDescription(1, "viewer"), false, false},
		{&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1e6}, false, false},
		{&rtcp.Goodbye{Sources: []uint32{1}}, false, false},
	} {
		compound, err := rtcp.Marshal([]rtcp.Packet{c.packet})
		if err != nil {
			t.Fatalf("%T: %v", c.packet, err)
		}
		v := &Viewer{reports: make(chan heard, 1), sender: &sender{}}
		v.hear(compound)
		if kept, urgent := len(v.reports) == 1, len(v.sender.ready) == 1; kept != c.kept || urgent != c.urgent {
			t.Errorf("%T is kept: %v, urgent: %v", c.packet, kept, urgent)
		}
	}
	v := &Viewer{reports: make(chan heard, 1), sender: &sender{}}
	v.hear([]byte{0x81, 201, 0, 99})
	if len(v.reports) > 0 {
		t.Error("a broken packet is kept")
	}
}
