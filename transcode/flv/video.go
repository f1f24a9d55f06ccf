package flv

import "encoding/binary"

const (
	tagVideo = 9 // E.4.1: TagType

	keyFrame   = 1 << 4 // E.4.3.1: FrameType
	interFrame = 2 << 4
	codecAVC   = 7 // E.4.3.1: CodecID

	lengthSize = 4 // bytes in front of a NAL unit
)

// AppendVideoHeader appends the file header: version 1, video only.
func AppendVideoHeader(b []byte) []byte {
	return append(b, 'F', 'L', 'V', 1, 0x01, 0, 0, 0, 9, 0, 0, 0, 0)
}

// AppendVideoConfig appends the tag of an AVCDecoderConfigurationRecord with
// at least one SPS; beyond 31 SPS and 255 PPS they are left out, they come in
// band as well.
//
// Specification: ISO/IEC 14496-15 §5.3.3.1.
func AppendVideoConfig(b []byte, ms uint32, sps, pps [][]byte) []byte {
	sps, pps = sps[:min(len(sps), 31)], pps[:min(len(pps), 255)]
	record := append([]byte{1}, sps[0][1:4]...)
	record = append(record, 0xfc|(lengthSize-1))
	for i, sets := range [][][]byte{sps, pps} {
		count := byte(len(sets))
		if i == 0 {
			count |= 0xe0
		}
		record = append(record, count)
		for _, s := range sets {
			record = append(binary.BigEndian.AppendUint16(record, uint16(len(s))), s...)
		}
	}
	b = appendVideoHeader(b, ms, keyFrame, packetConfig, 0, len(record))
	return appendTagEnd(append(b, record...), len(record))
}

// AppendPicture appends the tag of an access unit. Its PTS is by offset later
// than its DTS, all in milliseconds.
func AppendPicture(b []byte, ms uint32, offset int32, key bool, nalus [][]byte) []byte {
	size := 0
	for _, n := range nalus {
		size += lengthSize + len(n)
	}
	kind := byte(interFrame)
	if key {
		kind = keyFrame
	}
	b = appendVideoHeader(b, ms, kind, packetRaw, offset, size)
	for _, n := range nalus {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(n))), n...)
	}
	return appendTagEnd(b, size)
}

const avcHeader = 5 // E.4.3.1, E.4.3.2: codec, AVCPacketType, CompositionTime

func appendVideoHeader(b []byte, ms uint32, kind, packet byte, offset int32, size int) []byte {
	b = binary.BigEndian.AppendUint32(b, tagVideo<<24|uint32(avcHeader+size))
	b = binary.BigEndian.AppendUint32(b, ms<<8|ms>>24)
	return append(b, 0, 0, 0, kind|codecAVC, packet, byte(offset>>16), byte(offset>>8), byte(offset))
}

func appendTagEnd(b []byte, size int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(tagHeader+avcHeader+size))
}
