package viewer

import (
	"fmt"

	"github.com/pion/rtp/codecs"
)

// DecodeH265 depacketizes whole frames with pion's depacketizer (RFC 7798),
// decodes them with ffmpeg, which must not complain, and returns the number of
// pictures. The first frame must be one at which decoding can begin.
func DecodeH265(packets []Packet) (int, error) {
	var depacketizer codecs.H265Depacketizer
	var data []byte
	for _, p := range packets {
		part, err := depacketizer.Unmarshal(p.Payload)
		if err != nil {
			return 0, fmt.Errorf("packet %d: %w", p.SequenceNumber, err)
		}
		data = append(data, part...)
	}
	luma, err := decode(data, "-f hevc -i pipe:0 -fps_mode passthrough -vf scale=1:1:flags=area,format=gray -f rawvideo pipe:1")
	return len(luma), err
}
