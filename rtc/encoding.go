package rtc

import (
	"fmt"

	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/media"
)

// Encoding is what a session negotiates of a stream's video: its codec and,
// where another one may be beyond the decoder, its profile. A stream that
// changes it cannot go on in the same session.
type Encoding struct {
	Codec media.Codec

	// Profile is media.ParameterSets.Profile; always 0 for H.264, which every
	// decoder takes in any profile that it has.
	Profile uint8
}

// String names it as a viewer's user would.
func (e Encoding) String() string {
	if e.Profile == e.usual() {
		return e.Codec.String()
	}
	return fmt.Sprintf("%s profile %d", e.Codec, e.Profile)
}

// usual is the profile for 8 bits and 4:2:0.
func (e Encoding) usual() uint8 {
	if e.Codec == media.H265 {
		return 1 // Main
	}
	return 0
}

// mime returns pion's name of the codec.
func (e Encoding) mime() string {
	switch e.Codec {
	case media.H265:
		return webrtc.MimeTypeH265
	case media.AV1:
		return webrtc.MimeTypeAV1
	case media.VP9:
		return webrtc.MimeTypeVP9
	default:
		return webrtc.MimeTypeH264
	}
}
