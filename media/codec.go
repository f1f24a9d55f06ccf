package media

// Codec names a video or audio compression format.
type Codec uint8

// The codecs Sluice knows by name. Knowing one does not mean serving it.
const (
	H264 Codec = iota + 1
	H265
	AV1
	VP9
	AAC
	MP3
	Opus
)

// String returns the codec's usual name, for logs, the API and the player page.
func (c Codec) String() string {
	switch c {
	case H264:
		return "H.264"
	case H265:
		return "H.265"
	case AV1:
		return "AV1"
	case VP9:
		return "VP9"
	case AAC:
		return "AAC"
	case MP3:
		return "MP3"
	case Opus:
		return "Opus"
	default:
		return "unknown codec"
	}
}
