package egress

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/media/mediatest"
)

// A viewer who loses sound gets each packet twice, until he loses none for a
// while; one who has not negotiated it never does.
func TestRedundantSound(t *testing.T) {
	const opusType, redType, ssrc = 111, 63, 7
	frames := mediatest.Opus(2)
	first, second := frames[0].Data, append(slices.Clone(frames[1].Data), 1, 2, 3)
	now := time.Now()
	for _, c := range []struct {
		name       string
		negotiated bool
		loss       uint8
		after      time.Duration // the report of it, then one without loss
		gap        time.Duration
		redundant  bool
	}{
		{"no loss", true, 0, 0, 20 * time.Millisecond, false},
		{"one of 50 packets", true, 256 / 50, 0, 20 * time.Millisecond, true},
		{"still", true, 256 / 50, redundantFor - time.Second, 20 * time.Millisecond, true},
		{"not any more", true, 256 / 50, redundantFor, 20 * time.Millisecond, false},
		{"not negotiated", false, 128, 0, 20 * time.Millisecond, false},
		{"too far apart", true, 128, 0, 342 * time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &wire{}
			tr := newTrack(webrtc.RTPCodecTypeAudio, audioClock)
			tr.writer, tr.header.SSRC, tr.header.PayloadType, tr.red.of = w, ssrc, opusType, opusType
			if c.negotiated {
				tr.red.payloadType = redType
			}
			for _, r := range []struct {
				loss uint8
				at   time.Duration
			}{{c.loss, 0}, {0, c.after}} {
				tr.feedback(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 1, FractionLost: 255}, {SSRC: ssrc, FractionLost: r.loss}}}, now.Add(r.at))
			}
			for i, p := range [][]byte{first, second} {
				if err := tr.send(&Frame{Kind: Audio, Payloads: [][]byte{p}}, tr.timestamp(time.Duration(i)*c.gap), nil); err != nil {
					t.Fatal(err)
				}
			}
			if h := w.headers[0]; h.PayloadType != opusType || !bytes.Equal(w.payloads[0], first) {
				t.Errorf("the first packet, with nothing before it, has type %d", h.PayloadType)
			}
			want, wantType := second, uint8(opusType)
			if c.redundant { // RFC 2198 §3: an old block of 14 bits of offset and 10 of length, then the new one
				offset, n := 960, len(first)
				want = append([]byte{0x80 | opusType, byte(offset >> 6), byte(offset<<2) | byte(n>>8), byte(n), opusType}, first...)
				want, wantType = append(want, second...), redType
			}
			if h := w.headers[1]; h.PayloadType != wantType || !bytes.Equal(w.payloads[1], want) {
				t.Errorf("type %d, %x, want type %d, %x", h.PayloadType, w.payloads[1], wantType, want)
			}
			if n := len(w.payloads[0]) + len(w.payloads[1]); int(tr.octets) != n {
				t.Errorf("reports %d bytes of %d", tr.octets, n)
			}
		})
	}
}
