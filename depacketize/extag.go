package depacketize

import (
	"encoding/binary"
	"time"
)

// Enhanced RTMP packet types. Audio and video agree in these but for the
// multitrack type; metadata exists for video only.
const (
	exSequenceStart   = 0
	exCodedFrames     = 1
	exCodedFramesX    = 3 // without composition time
	exMetadata        = 4
	exAudioMultitrack = 5
	exVideoMultitrack = 6
	exModEx           = 7
)

// modExNanoseconds is the Enhanced RTMP ModExType of a timestamp offset, UI24
// in nanoseconds, at most 999,999.
const modExNanoseconds = 0

// Enhanced RTMP AvMultitrackTypes.
const (
	oneTrack             = 0
	manyTracks           = 1
	manyTracksManyCodecs = 2
)

// exTag is an Enhanced RTMP tag without its header: of a multitrack tag, the
// default track (trackId 0).
type exTag struct {
	packetType byte
	fourCC     fourCC
	data       []byte
	fraction   time.Duration // on top of the timestamp, less than a millisecond
	ignored    bool          // a command, or a multitrack tag without the default track
	begun      []exTrack     // of a multitrack tag, the other tracks that begin
}

// exTrack is a track that is not served.
type exTrack struct {
	id     byte
	fourCC fourCC
}

// parseExTag reads an Enhanced RTMP header from behind its first byte.
// multitrack is the packet type that means multitrack.
//
// Specification: Enhanced RTMP v2, "Enhanced Audio", "Enhanced Video".
func parseExTag(packetType byte, data []byte, multitrack byte, command bool) (t exTag, err error) {
	var fraction time.Duration
	if packetType, data, fraction, err = cutModEx(packetType, data); err != nil {
		return exTag{}, err
	}
	switch {
	case command && packetType != exMetadata: // ffmpeg's metadata look like one
		return exTag{ignored: true}, nil
	case packetType == multitrack:
		t, err = parseMultitrack(data)
	default:
		t = exTag{packetType: packetType}
		t.fourCC, t.data, err = cutFourCC(data)
	}
	t.fraction = fraction
	return t, err
}

// cutModEx takes the modifiers in front of a packet off and returns the
// packet's type, what follows, and the nanosecond offset. Other
// modifiers are passed over, as they must be.
func cutModEx(packetType byte, data []byte) (byte, []byte, time.Duration, error) {
	var fraction time.Duration
	for packetType == exModEx {
		if len(data) < 3 {
			return 0, nil, 0, corrupt("ModEx of %d bytes", len(data))
		}
		size, rest := int(data[0])+1, data[1:]
		if size == 256 {
			size, rest = int(rest[0])<<8+int(rest[1])+1, rest[2:]
		}
		if len(rest) <= size {
			return 0, nil, 0, corrupt("ModEx of %d bytes where %d are left", size, len(rest))
		}
		if rest[size]>>4 == modExNanoseconds && size >= 3 {
			ns := time.Duration(rest[0])<<16 | time.Duration(rest[1])<<8 | time.Duration(rest[2])
			if ns >= time.Millisecond {
				return 0, nil, 0, corrupt("timestamp offset of %d ns, more than a millisecond", ns)
			}
			fraction = ns
		}
		packetType, data = rest[size]&0x0f, rest[size+1:]
	}
	return packetType, data, fraction, nil
}

// parseMultitrack returns the default track (trackId 0) of a multitrack body.
// The other tracks are alternatives to it that nobody can ask for here.
func parseMultitrack(data []byte) (t exTag, err error) {
	if len(data) < 1 {
		return exTag{}, corrupt("multitrack header is missing")
	}
	t.ignored = true
	kind := data[0] >> 4
	t.packetType, data = data[0]&0x0f, data[1:]
	if kind > manyTracksManyCodecs {
		return exTag{}, corrupt("multitrack type %d", kind)
	}
	var codec fourCC
	for first := true; len(data) > 0; first = false {
		if first || kind == manyTracksManyCodecs {
			if codec, data, err = cutFourCC(data); err != nil {
				return exTag{}, err
			}
		}
		id, track, rest, err := cutTrack(data, kind != oneTrack)
		if err != nil {
			return exTag{}, err
		}
		data = rest
		switch {
		case id == 0 && t.ignored:
			t.ignored, t.fourCC, t.data = false, codec, track
		case id != 0 && t.packetType == exSequenceStart:
			t.begun = append(t.begun, exTrack{id, codec})
		}
	}
	return t, nil
}

// cutTrack cuts a track off a multitrack body: its id, its size if sized (the
// only track has none and takes the rest), its data.
func cutTrack(data []byte, sized bool) (id byte, track, rest []byte, err error) {
	switch {
	case len(data) < 1:
		return 0, nil, nil, corrupt("track id is missing")
	case !sized:
		return data[0], data[1:], nil, nil
	case len(data) < 4:
		return 0, nil, nil, corrupt("track header of %d bytes", len(data))
	}
	size := int(data[1])<<16 | int(data[2])<<8 | int(data[3])
	if size > len(data)-4 {
		return 0, nil, nil, corrupt("track of %d bytes where %d are left", size, len(data)-4)
	}
	return data[0], data[4 : 4+size : 4+size], data[4+size:], nil
}

func cutFourCC(data []byte) (fourCC, []byte, error) {
	if len(data) < 4 {
		return 0, nil, corrupt("FourCC of %d bytes", len(data))
	}
	return fourCC(binary.BigEndian.Uint32(data)), data[4:], nil
}
