package viewer

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"

	"github.com/pion/webrtc/v4/pkg/media/oggwriter"
)

// Luma decodes access units with ffmpeg and returns the mean brightness of
// each picture, 0 to 255. A complaint of the decoder is an error, and so is a
// picture too few.
func Luma(units []AccessUnit) ([]byte, error) {
	luma, err := decode(joinUnits(units), "-f h264 -i pipe:0 -fps_mode passthrough -vf scale=1:1:flags=area,format=gray -f rawvideo pipe:1")
	if err == nil && len(luma) != len(units) {
		err = fmt.Errorf("%d access units gave %d pictures", len(units), len(luma))
	}
	return luma, err
}

// samples decodes Opus packets, which must be without a gap, to 16-bit mono
// at 48 kHz. The first sample returned is number skip of the first packet.
func samples(packets []Packet) (pcm []int16, skip int, err error) {
	const preSkip = 3840 // what oggwriter announces and so ffmpeg leaves out
	var ogg bytes.Buffer
	w, err := oggwriter.NewWith(&ogg, 48000, 2)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range packets {
		if err := w.WriteRTP(p.Packet); err != nil {
			return nil, 0, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, 0, err
	}
	raw, err := decode(ogg.Bytes(), "-f ogg -i pipe:0 -ac 1 -ar 48000 -f s16le pipe:1")
	if err != nil {
		return nil, 0, err
	}
	for i := 0; i+1 < len(raw); i += 2 {
		pcm = append(pcm, int16(uint16(raw[i])|uint16(raw[i+1])<<8))
	}
	return pcm, preSkip, nil
}

// decode pipes data through ffmpeg, which must have nothing to say.
func decode(data []byte, args string) ([]byte, error) {
	cmd := exec.Command("ffmpeg", append([]string{"-nostdin", "-hide_banner", "-loglevel", "error"}, strings.Fields(args)...)...)
	var complaints bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("decode: %w\n%s", err, complaints.String())
	}
	if complaints.Len() > 0 {
		return nil, fmt.Errorf("decoder complains:\n%s", complaints.String())
	}
	return out, nil
}
