package depacketize

// OBU types of AV1 (AV1 specification §6.2.2).
const (
	obuSequenceHeader = 1
	obuDelimiter      = 2
	obuFrameHeader    = 3
	obuTileGroup      = 4
	obuMetadata       = 5
	obuFrame          = 6
	obuRedundant      = 7 // frame header
)

// maxOBUs is how many OBUs a temporal unit may have: a tile group each for the
// 64 tiles of two frames, and headers.
const maxOBUs = 256

func obuType(obu []byte) byte { return obu[0] >> 3 & 0x0f }

// obuPayload returns what follows the header of an OBU without a size field.
func obuPayload(obu []byte) []byte {
	if obu[0]&0x04 != 0 && len(obu) > 1 {
		return obu[2:]
	}
	return obu[1:]
}

// cutOBUs cuts a temporal unit into OBUs and takes the size fields out of them,
// in place. The last may be without one (AV1 in ISOBMFF §2.4). Temporal
// delimiters, tile lists, padding and reserved types are left out, as are
// enhancement layers (AV1 RTP payload format §5).
//
// Specification: AV1 §5.3.1 (general OBU syntax), §4.10.5 (leb128).
func cutOBUs(data []byte) (list [][]byte, err error) {
	for count := 0; len(data) > 0; count++ {
		if count == maxOBUs {
			return nil, corrupt("more than %d OBUs", maxOBUs)
		}
		header, size := data[:1], len(data)-1
		if header[0]&0x80 != 0 {
			return nil, corrupt("OBU with the forbidden bit set")
		}
		if header[0]&0x04 != 0 {
			if size--; size < 0 {
				return nil, corrupt("OBU of 1 byte with an extension")
			}
			header = data[:2]
		}
		skip := len(header)
		if header[0]&0x02 != 0 {
			var n int
			if size, n, err = leb128(data[skip:]); err != nil {
				return nil, err
			}
			if skip += n; size > len(data)-skip {
				return nil, corrupt("OBU of %d bytes where %d are left", size, len(data)-skip)
			}
		}
		start := skip - len(header)
		obu := data[start : skip+size : skip+size]
		if wantsOBU(header) {
			copy(obu, header)
			obu[0] &^= 0x02
			list = append(list, obu)
		}
		data = data[skip+size:]
	}
	return list, nil
}

func wantsOBU(header []byte) bool {
	if len(header) == 2 && header[1]>>3&3 != 0 { // spatial_id
		return false
	}
	switch header[0] >> 3 & 0x0f {
	case obuSequenceHeader, obuFrameHeader, obuTileGroup, obuMetadata, obuFrame, obuRedundant:
		return true
	default:
		return false
	}
}

// leb128 reads a number of at most 32 bits and returns how many bytes it took.
func leb128(b []byte) (value, size int, err error) {
	var v uint64
	for i := range min(len(b), 8) {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			if v > 1<<31-1 {
				return 0, 0, corrupt("leb128 of %d", v)
			}
			return int(v), i + 1, nil
		}
	}
	return 0, 0, corrupt("leb128 without an end")
}
