package source

import (
	"os"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/e2e/proc"
)

// Enhanced are encoders by the name of their codec, all in real time.
var Enhanced = map[string]string{
	"H.265": "-c:v libx265 -preset ultrafast -tune zerolatency -x265-params log-level=none:keyint=30:min-keyint=30:scenecut=0",
	"AV1":   "-c:v libsvtav1 -preset 12 -g 30 -svtav1-params pred-struct=1:rc=2",
	"VP9":   "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -g 30 -row-mt 1",
}

// PublishEnhanced encodes in real time and publishes a codec with Opus over
// Enhanced RTMP. It takes FFmpeg 8 or newer, which $FFMPEG_ENHANCED names.
func PublishEnhanced(tb testing.TB, codec, url string) *proc.Process {
	tb.Helper()
	args := append(quiet(), FFmpeg{Width: 640, Height: 360}.inputs("-re")...)
	args = append(args, strings.Fields(Enhanced[codec])...)
	args = append(args, strings.Fields("-pix_fmt yuv420p -b:v 1000k -c:a libopus -b:a 96k -ac 2 -f flv")...)
	return proc.Start(tb, enhanced(tb), append(args, url)...)
}

// enhanced returns the FFmpeg that $FFMPEG_ENHANCED names.
func enhanced(tb testing.TB) string {
	tb.Helper()
	ffmpeg := os.Getenv("FFMPEG_ENHANCED")
	if ffmpeg == "" {
		tb.Skip("FFMPEG_ENHANCED names no FFmpeg of version 8 or newer: make e2e-codecs and make e2e-whip install one")
	}
	return ffmpeg
}
