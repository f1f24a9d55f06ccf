package contribute

import (
	"fmt"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtc"
)

// parseOffer reads a publisher's offer. Video that every viewer can decode comes
// first; nothing is taken in part (RFC 9725 §4.2).
func parseOffer(text string) (*rtc.Offer, error) {
	o, err := rtc.ParseOffer(text, rtc.Sender, targets()...)
	switch {
	case o != nil && o.RefusedVideo != "":
		return nil, fmt.Errorf("%w: Sluice takes video in H.264 (packetization-mode=1), H.265, AV1 and VP9, and the publisher offers %s", rtc.ErrNoCommonCodec, o.RefusedVideo)
	case o != nil && o.RefusedAudio != "":
		return nil, fmt.Errorf("%w: Sluice takes audio in Opus, and the publisher offers %s", rtc.ErrNoCommonCodec, o.RefusedAudio)
	}
	return o, err
}

func targets() []rtc.Target {
	const hevcMain = 1
	return []rtc.Target{
		{Encoding: rtc.Encoding{Codec: media.H264}},
		{Encoding: rtc.Encoding{Codec: media.H265, Profile: hevcMain}},
		{Encoding: rtc.Encoding{Codec: media.AV1}},
		{Encoding: rtc.Encoding{Codec: media.VP9}},
	}
}
