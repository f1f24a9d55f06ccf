package depacketize

import (
	"errors"

	"github.com/sluice-media/sluice/media"
)

// Pictures makes access units of coded pictures that came without FLV, as RTP
// carries them, by the rules of a Demuxer.
type Pictures struct{ stream videoStream }

// NewPictures returns one for H.264, H.265, AV1 or VP9.
func NewPictures(codec media.Codec) *Pictures {
	switch codec {
	case media.H265:
		return &Pictures{&hevcStream{lengthSize: 4}}
	case media.AV1:
		return &Pictures{&av1Stream{}}
	case media.VP9:
		return &Pictures{&vp9Stream{}}
	default:
		return &Pictures{&avcStream{lengthSize: 4}}
	}
}

// AccessUnit takes a coded picture, which it owns from now on: NAL units behind
// a length of 4 bytes each, a temporal unit of OBUs with size fields, or a VP9
// frame. It returns the access unit without its times, nil if there is none to
// emit: before the first IDR, or the first after a loss. After ErrCorrupt the
// next picture may follow.
func (p *Pictures) AccessUnit(data []byte) (*media.AccessUnit, error) {
	au, err := p.stream.accessUnit(data)
	if errors.Is(err, ErrCorrupt) {
		p.Lose()
	}
	return au, err
}

// Lose makes the pictures go on at the next IDR.
func (p *Pictures) Lose() { p.stream.lose() }
