package depacketize

import "time"

// The FLV codec id of H.264, its AVCPacketTypes, and the frame type of tags
// that hold a command to the player instead of a picture.
const (
	codecAVC = 7

	avcSequenceHeader = 0
	avcNALUs          = 1
	avcEndOfSequence  = 2

	frameTypeCommand = 5
)

// maxCompositionOffset is the largest distance of PTS from DTS that is
// believed. Encoders reorder by 16 pictures at most (ITU-T H.264 A.3.1
// MaxDpbFrames) and really by 2 or 3: 3 s at one picture a second.
const maxCompositionOffset = 10 * time.Second

// parseVideoTag reads the header of a video tag body.
//
// Specification: Adobe Flash Video File Format 10.1, E.4.3.1 VIDEODATA, and
// Enhanced RTMP v2, ExVideoTagHeader.
func parseVideoTag(body []byte) (packet, error) {
	if len(body) == 0 { // a legal RTMP message
		return packet{}, nil
	}
	if body[0]&0x80 != 0 {
		return parseExVideoTag(body)
	}
	if body[0]>>4 == frameTypeCommand {
		return packet{}, nil
	}
	if id := body[0] & 0x0f; id != codecAVC {
		return packet{}, unsupported(videoCodecName(id))
	}
	if len(body) < 2 {
		return packet{}, corrupt("AVC tag of %d byte", len(body))
	}
	// The timestamp of an end of sequence means nothing, nor does its body.
	if body[1] == avcEndOfSequence {
		return packet{}, nil
	}
	if len(body) < 5 {
		return packet{}, corrupt("AVC tag of %d bytes", len(body))
	}
	switch body[1] {
	case avcSequenceHeader:
		return packet{kind: configPacket, codec: fourCCAVC, data: body[5:]}, nil
	case avcNALUs:
		return codedFrame(fourCCAVC, body[2:])
	default:
		return packet{}, corrupt("AVC packet type %d", body[1])
	}
}

// parseExVideoTag reads the body of an Enhanced RTMP video tag.
func parseExVideoTag(body []byte) (packet, error) {
	frameType, packetType := body[0]>>4&7, body[0]&0x0f
	t, err := parseExTag(packetType, body[1:], exVideoMultitrack, frameType == frameTypeCommand)
	switch {
	case err != nil || t.ignored:
		return packet{begun: t.begun}, err
	case t.packetType == exMetadata:
		return packet{kind: colorPacket, data: t.data}, nil
	}
	p := packet{codec: t.fourCC, fraction: t.fraction, data: t.data, begun: t.begun}
	composed := false
	switch t.fourCC {
	case fourCCAVC, fourCCHEVC:
		composed = true
	case fourCCAV1, fourCCVP9:
	default:
		return packet{}, unsupported(t.fourCC.name())
	}
	switch {
	case t.packetType == exSequenceStart:
		p.kind = configPacket
	case t.packetType == exCodedFrames && composed:
		p, err = codedFrame(t.fourCC, t.data)
		p.fraction = t.fraction
		return p, err
	case t.packetType == exCodedFrames, t.packetType == exCodedFramesX:
		p.kind = framePacket
	default: // end of sequence, AV1 in the form of MPEG-2 TS, and what later versions may add
		return packet{}, nil
	}
	return p, nil
}

// codedFrame reads a composition time, SI24 in ms, and the frame after it.
func codedFrame(codec fourCC, data []byte) (packet, error) {
	if len(data) < 3 {
		return packet{}, corrupt("composition time of %d bytes", len(data))
	}
	ms := int32(uint32(data[0])<<24|uint32(data[1])<<16|uint32(data[2])<<8) >> 8
	offset := time.Duration(ms) * time.Millisecond
	if offset.Abs() > maxCompositionOffset {
		return packet{}, corrupt("composition time of %v", offset)
	}
	return packet{kind: framePacket, codec: codec, offset: offset, data: data[3:]}, nil
}
