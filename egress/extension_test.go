package egress

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// told returns how many of the packets have an extension, and its last value.
func told(packets []rtp.Header, id uint8) (n int, value []byte) {
	for _, h := range packets {
		if v := h.GetExtension(id); v != nil {
			n, value = n+1, v
		}
	}
	return n, value
}

// A viewer with sound is told of the delay from its first live picture on, until
// it has it; never while it catches up.
func TestStartDelay(t *testing.T) {
	const id = 7
	cases := map[string]struct {
		sound *track
		want  bool
	}{
		"with sound": {sound: &track{packets: 1}, want: true},
		"none yet":   {sound: &track{}},
		"no sound":   {},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 60, 40)
			s.play.track.delayID, s.play.sound = id, c.sound
			packets := s.run(time.Second)
			if n, _ := told(packets[:50], id); n != 0 {
				t.Errorf("told in %d packets of the replay", n)
			}
			n, value := told(packets, id)
			if (n > 0) != c.want {
				t.Fatalf("told in %d packets", n)
			}
			if !c.want {
				return
			}
			if string(value) != "\x00\x83\xe8" { // 8 and 1000 units of 10 ms, 12 bits each
				t.Errorf("value % x", value)
			}
			s.play.feedback(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{
				SSRC: 1, LastSequenceNumber: uint32(packets[len(packets)-1].SequenceNumber),
			}}}, s.now)
			if n, _ := told(s.run(time.Second), id); n != 0 {
				t.Errorf("told in %d packets after it was known", n)
			}
		})
	}
}

// Where it was asked for, a frame a second says when it was captured: the same
// instant that the sender reports give its timestamp.
func TestCaptureTime(t *testing.T) {
	const id = 9
	s := newScene(t, 60, 40)
	s.play.track.captureID = id
	s.hub.clock.origin.Add(int64(70 * time.Millisecond)) // it slews back, by less than 10 ms
	packets := s.run(5 * time.Second)
	if n, _ := told(packets, id); n < 4*2 || n > 6*2 { // of two packets each
		t.Errorf("told in %d packets of five seconds", n)
	}
	for _, h := range packets {
		v := h.GetExtension(id)
		if v == nil {
			continue
		}
		report := s.play.track.report(s.now, s.hub.clock.at(s.now))[0].(*rtcp.SenderReport)
		elapsed := float64(int64(report.NTPTime-binary.BigEndian.Uint64(v))) / (1 << 32)
		if want := float64(int32(report.RTPTime-h.Timestamp)) / videoClock; elapsed-want > 0.01 || want-elapsed > 0.01 {
			t.Errorf("captured %.4f s before the report, by its timestamp %.4f s", elapsed, want)
		}
	}
}

// An extension must not make the packets of a frame unequal.
func TestExtensionsKeepPacketsEqual(t *testing.T) {
	tr := newTrack(webrtc.RTPCodecTypeVideo, videoClock)
	w := &wire{}
	tr.writer = w
	f := &Frame{Payloads: [][]byte{make([]byte, 1000), make([]byte, 1000), make([]byte, 900)}}
	for _, e := range []extend{nil, constant(3, playoutDelay(startDelay, startDelayMost)), feedbackOn(3, &twcc{}, time.Now())} {
		if err := tr.send(f, 0, e); err != nil {
			t.Fatal(err)
		}
		headers := w.take()
		for _, h := range headers {
			if h.MarshalSize() != headers[0].MarshalSize() {
				t.Errorf("headers of %d and %d bytes", headers[0].MarshalSize(), h.MarshalSize())
			}
		}
	}
}

// Neither an extension nor a repetition makes garbage.
func TestSendingAllocatesNothing(t *testing.T) {
	f := &Frame{Payloads: [][]byte{make([]byte, 1000), make([]byte, 900)}}
	for name, rtx := range map[string]uint32{"on the RTX SSRC": 2, "as it was": 0} {
		t.Run(name, func(t *testing.T) {
			tr := newTrack(webrtc.RTPCodecTypeVideo, videoClock)
			tr.writer, tr.rtx.SSRC = discard{}, rtx
			extension := feedbackOn(3, &twcc{}, time.Now())
			n := testing.AllocsPerRun(100, func() {
				first := tr.header.SequenceNumber
				if err := tr.send(f, 0, extension); err != nil {
					t.Fatal(err)
				}
				if _, err := tr.repeat(sentFrame{frame: f, first: first}, 1); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

type discard struct{}

func (discard) WriteRTP(_ *rtp.Header, payload []byte) (int, error) { return len(payload), nil }
