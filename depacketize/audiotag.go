package depacketize

// FLV sound formats and AACPacketTypes.
const (
	soundMP3    = 2
	soundEx     = 9 // Enhanced RTMP
	soundAAC    = 10
	soundMP3Low = 14 // at 8 kHz

	aacSequenceHeader = 0
	aacRaw            = 1
)

// parseAudioTag reads the header of an audio tag body. Rate, size and type of
// the FLV header are not looked at: for AAC they are fixed, and the
// configuration says the truth.
//
// Specification: Adobe Flash Video File Format 10.1, E.4.2.1 AUDIODATA, and
// Enhanced RTMP v2, ExAudioTagHeader.
func parseAudioTag(body []byte) (packet, error) {
	if len(body) == 0 { // a legal RTMP message, sent as a sign of silence
		return packet{}, nil
	}
	switch format := body[0] >> 4; format {
	case soundEx:
		return parseExAudioTag(body)
	case soundMP3, soundMP3Low:
		return packet{kind: framePacket, codec: fourCCMP3, data: body[1:]}, nil
	case soundAAC:
	default:
		return packet{}, unsupported(audioCodecName(format))
	}
	if len(body) < 2 {
		return packet{}, corrupt("AAC tag of %d byte", len(body))
	}
	switch body[1] {
	case aacSequenceHeader:
		return packet{kind: configPacket, codec: fourCCAAC, data: body[2:]}, nil
	case aacRaw:
		return packet{kind: framePacket, codec: fourCCAAC, data: body[2:]}, nil
	default:
		return packet{}, corrupt("AAC packet type %d", body[1])
	}
}

// parseExAudioTag reads the body of an Enhanced RTMP audio tag.
func parseExAudioTag(body []byte) (packet, error) {
	t, err := parseExTag(body[0]&0x0f, body[1:], exAudioMultitrack, false)
	if err != nil || t.ignored {
		return packet{begun: t.begun}, err
	}
	switch t.fourCC {
	case fourCCAAC, fourCCMP3, fourCCOpus:
	default:
		return packet{}, unsupported(t.fourCC.name())
	}
	p := packet{codec: t.fourCC, fraction: t.fraction, data: t.data, begun: t.begun}
	switch t.packetType {
	case exSequenceStart:
		p.kind = configPacket
	case exCodedFrames:
		p.kind = framePacket
	default: // end of sequence; multichannel config, which says what the configuration says
		return packet{}, nil
	}
	return p, nil
}
