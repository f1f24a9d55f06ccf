// Package flv writes the FLV stream of one AAC, MP3 or H.264 track, for ffmpeg to read.
//
// Specification: Adobe Flash Video File Format, version 10.1, annex E. The
// package starts no goroutine.
package flv

import "encoding/binary"

// TagOverhead is what a tag adds to the bytes of an access unit: 11 bytes of
// header, 2 of AAC header, 4 of PreviousTagSize.
const TagOverhead = tagHeader + aacHeader + 4

const (
	tagHeader = 11
	aacHeader = 2

	tagAudio = 8    // E.4.1: TagType
	aacSound = 0xaf // E.4.2.1: AAC; rate, size and type are fixed and say nothing
	mp3Sound = 0x2f // E.4.2.1: MP3; the frames' headers say the rest

	packetConfig = 0 // E.4.2.2: AACPacketType
	packetRaw    = 1
)

// AppendHeader appends the file header: version 1, audio only (E.2), and the
// size of the tag before the first, none (E.3).
func AppendHeader(b []byte) []byte {
	return append(b, 'F', 'L', 'V', 1, 0x04, 0, 0, 0, 9, 0, 0, 0, 0)
}

// AppendConfig appends the tag of an AudioSpecificConfig. The time is in
// milliseconds and wraps.
func AppendConfig(b []byte, ms uint32, asc []byte) []byte {
	return appendTag(b, ms, packetConfig, asc)
}

// AppendFrame appends the tag of one raw access unit.
func AppendFrame(b []byte, ms uint32, au []byte) []byte {
	return appendTag(b, ms, packetRaw, au)
}

// AppendMP3 appends the tag of MP3 frames.
func AppendMP3(b []byte, ms uint32, frames []byte) []byte {
	size := uint32(1 + len(frames))
	b = binary.BigEndian.AppendUint32(b, tagAudio<<24|size)
	b = binary.BigEndian.AppendUint32(b, ms<<8|ms>>24)
	b = append(b, 0, 0, 0, mp3Sound)
	return binary.BigEndian.AppendUint32(append(b, frames...), tagHeader+size)
}

// appendTag appends an FLVTAG (E.4.1) and its PreviousTagSize. The caller
// keeps data below 16 MiB, the most that DataSize can say.
func appendTag(b []byte, ms uint32, kind byte, data []byte) []byte {
	size := uint32(aacHeader + len(data))
	b = binary.BigEndian.AppendUint32(b, tagAudio<<24|size) // TagType, DataSize
	b = binary.BigEndian.AppendUint32(b, ms<<8|ms>>24)      // Timestamp, TimestampExtended
	b = append(b, 0, 0, 0, aacSound, kind)                  // StreamID
	return binary.BigEndian.AppendUint32(append(b, data...), tagHeader+size)
}
