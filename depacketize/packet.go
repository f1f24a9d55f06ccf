package depacketize

import "time"

// packet is what an audio or video tag comes down to.
type packet struct {
	kind     packetKind
	codec    fourCC        // of a configuration or a frame
	offset   time.Duration // composition time: PTS − DTS, video frames only
	fraction time.Duration // of a millisecond, on top of the timestamp
	data     []byte        // decoder configuration, coded frame or colour
	begun    []exTrack     // others than that of the packet
}

type packetKind uint8

const (
	ignoredPacket packetKind = iota // nothing in it for us
	configPacket                    // a decoder configuration
	framePacket                     // a coded frame
	colorPacket                     // what is said of the colours
)
