package ingest

import (
	"slices"

	"github.com/sluice-media/sluice/depacketize"
	"github.com/sluice-media/sluice/ingest/guard"
)

// What Enhanced RTMP v2 has for abilities: FourCcInfoMask and CapsExMask.
const (
	canForward = 4

	capsMultitrack  = 2
	capsModEx       = 4
	capsNanoseconds = 8
)

// abilities are what publishers are told: every codec that is served is
// forwarded to viewers.
func abilities() guard.Abilities {
	forwarded := func(list []string) map[string]uint32 {
		m := make(map[string]uint32)
		for _, f := range list {
			m[f] = canForward
		}
		return m
	}
	video, audio := depacketize.VideoFourCCs(), depacketize.AudioFourCCs()
	return guard.Abilities{
		FourCCs:      slices.Concat(video, audio),
		VideoFourCCs: forwarded(video),
		AudioFourCCs: forwarded(audio),
		Capabilities: capsMultitrack | capsModEx | capsNanoseconds,
	}
}
