package rtmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// Tag types, which are RTMP message types as well (Adobe FLV 10.1 §E.4.1).
const (
	Audio  = 8
	Video  = 9
	Script = 18
)

// Tag is one FLV tag. The timestamp is in milliseconds.
type Tag struct {
	Type      byte
	Timestamp uint32
	Body      []byte
}

// Frame says that the tag holds a frame, not a decoder's configuration or the
// end of a sequence (Adobe FLV 10.1 §E.4.2.2, §E.4.3.2; Enhanced RTMP v2:
// CodedFrames and CodedFramesX).
func (t Tag) Frame() bool {
	switch {
	case t.Type == Script || len(t.Body) < 2:
		return false
	case t.Type == Video && t.Body[0]&0x80 != 0, t.Type == Audio && t.Body[0]>>4 == 9:
		return t.Body[0]&0x0f == 1 || t.Body[0]&0x0f == 3
	default:
		return t.Body[1] == 1
	}
}

// Keyframe says that the tag holds a video frame at which decoding can begin.
func (t Tag) Keyframe() bool { return t.Type == Video && t.Frame() && t.Body[0]>>4&7 == 1 }

// PTS is the timestamp of a frame of H.264 with its composition time, in
// milliseconds.
func (t Tag) PTS() uint32 {
	return t.Timestamp + uint32(int32(uint32(t.Body[2])<<24|uint32(t.Body[3])<<16|uint32(t.Body[4])<<8)>>8)
}

// ReadFLV returns the tags of a file.
func ReadFLV(file string) ([]Tag, error) {
	const fileHeader, tagHeader, tagTrailer = 9 + 4, 11, 4
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(b) < fileHeader || string(b[:3]) != "FLV" {
		return nil, errors.New(file + " is no FLV file")
	}
	var tags []Tag
	for b = b[fileHeader:]; len(b) > 0; {
		if len(b) < tagHeader {
			return nil, fmt.Errorf("%s: %d bytes left over", file, len(b))
		}
		size := int(binary.BigEndian.Uint32(b) & 0xffffff)
		end := tagHeader + size
		if len(b) < end+tagTrailer {
			return nil, fmt.Errorf("%s: tag of %d bytes is cut off", file, size)
		}
		tags = append(tags, Tag{
			Type:      b[0],
			Timestamp: uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6]) | uint32(b[7])<<24,
			Body:      b[tagHeader:end:end],
		})
		b = b[end+tagTrailer:]
	}
	return tags, nil
}
