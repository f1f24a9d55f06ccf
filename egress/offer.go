package egress

import (
	"fmt"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtc"
)

// parseOffer reads a viewer's offer and chooses formats for the stream's video
// and for Opus. A viewer that wants the video must be able to decode it.
func parseOffer(text string, t rtc.Target) (*rtc.Offer, error) {
	o, err := rtc.ParseOffer(text, rtc.Receiver, t)
	switch {
	case o == nil || o.RefusedVideo == "":
		return o, err
	case t.Codec == media.H264:
		return nil, fmt.Errorf("%w: the stream is H.264, which needs packetization-mode=1, and the viewer offers %s", ErrNoCommonCodec, o.RefusedVideo)
	default:
		return nil, fmt.Errorf("%w: the stream is %s, and the viewer offers %s", ErrNoCommonCodec, t.Encoding, o.RefusedVideo)
	}
}
