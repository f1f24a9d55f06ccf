package contribute

import (
	"errors"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/sluice-media/sluice/media"
)

// maxPicture is the largest coded picture taken, as large as the largest
// message of RTMP.
const maxPicture = 8 << 20

var errPicture = errors.New("corrupt RTP payload")

// depayloader appends what an RTP payload carries to a picture's data.
type depayloader interface {
	append(picture, payload []byte) ([]byte, error)
	// complete says whether nothing is left in pieces.
	complete() bool
}

// assembler makes coded pictures of the packets of a track, which come in
// order.
type assembler struct {
	codec  media.Codec
	depay  depayloader
	begun  bool   // a picture is
	time   uint32 // its RTP time
	data   []byte // of it, so far
	broken bool   // it is of no use
	lost   bool   // packets are missing in front of the next one
}

// lose notes that packets are missing in front of the next one: what comes up
// to the end of a picture may be half of one.
func (a *assembler) lose() { a.lost = true }

// add takes a packet and calls emit with the pictures that it completes. A
// picture ends with the marker bit or, of senders that forget it, where the
// next one begins. After an error it goes on with the next picture.
func (a *assembler) add(p *rtp.Packet, emit func(data []byte, time uint32)) (err error) {
	if a.lost {
		a.begun, a.broken, a.lost, a.time = true, true, false, p.Timestamp
	}
	if len(p.Payload) == 0 { // padding, which probes the bandwidth
		return nil
	}
	if a.begun && p.Timestamp != a.time {
		a.finish(emit)
	}
	if !a.begun {
		*a = assembler{codec: a.codec, depay: newDepayloader(a.codec), begun: true, time: p.Timestamp}
	}
	if !a.broken {
		a.data, err = a.depay.append(a.data, p.Payload)
		if err == nil && len(a.data) > maxPicture {
			err = fmt.Errorf("%w: a picture of more than %d bytes", errPicture, maxPicture)
		}
		a.broken = err != nil
	}
	if p.Marker {
		a.finish(emit)
	}
	return err
}

func (a *assembler) finish(emit func(data []byte, time uint32)) {
	if !a.broken && a.depay.complete() {
		emit(a.data, a.time)
	}
	a.begun, a.broken, a.data = false, false, nil
}

func newDepayloader(codec media.Codec) depayloader {
	switch codec {
	case media.AV1:
		return &av1Payloads{}
	case media.VP9:
		return vp9Payloads{}
	case media.H265:
		return &h265Payloads{}
	default:
		return &h264Payloads{}
	}
}

// av1Payloads are those of AV1 (RTP Payload Format For AV1 §4.4).
type av1Payloads struct{ codecs.AV1Depacketizer }

func (d *av1Payloads) append(picture, payload []byte) ([]byte, error) {
	obus, err := d.Unmarshal(payload)
	if err != nil {
		return picture, fmt.Errorf("%w: %w", errPicture, err)
	}
	return append(picture, obus...), nil
}

func (d *av1Payloads) complete() bool { return !d.Y }

// vp9Payloads are those of VP9 (RFC 9628 §4.2).
type vp9Payloads struct{}

func (vp9Payloads) append(picture, payload []byte) ([]byte, error) {
	var p codecs.VP9Packet
	frame, err := p.Unmarshal(payload)
	if err != nil {
		return picture, fmt.Errorf("%w: %w", errPicture, err)
	}
	return append(picture, frame...), nil
}

func (vp9Payloads) complete() bool { return true }
