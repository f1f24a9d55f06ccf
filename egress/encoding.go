package egress

import (
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtc"
)

// Encoding is what a session negotiates of a stream's video. A stream that
// changes it cannot go on in the same session.
type Encoding = rtc.Encoding

// encodingOf returns an access unit's.
func encodingOf(au *media.AccessUnit) Encoding {
	e := Encoding{Codec: au.Codec}
	if au.ParameterSets != nil {
		e.Profile = au.ParameterSets.Profile
	}
	return e
}
