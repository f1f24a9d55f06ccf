package source

import (
	"strings"
	"testing"

	"github.com/sluice-media/sluice/e2e/proc"
)

// GStreamer publishes with rtmp2sink: chunks of 128 bytes, transaction id 0,
// parameter sets in band, decoding times rewritten by flvmux. The aac element
// is avenc_aac (5 bytes of AudioSpecificConfig) or voaacenc (2 bytes).
func GStreamer(tb testing.TB, aac, url string) *proc.Process {
	tb.Helper()
	args := strings.Fields(`-q
		videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=640,height=360,framerate=30/1
			! x264enc bframes=0 tune=zerolatency speed-preset=ultrafast bitrate=1200 key-int-max=30 ! h264parse ! queue ! mux.
		audiotestsrc is-live=true freq=440 ! audio/x-raw,rate=48000,channels=2 ! audioconvert ! AAC ! aacparse ! queue ! mux.
		flvmux name=mux streamable=true ! rtmp2sink location=URL`)
	for i, arg := range args {
		args[i] = strings.NewReplacer("AAC", aac, "URL", url).Replace(arg)
	}
	return proc.Start(tb, "gst-launch-1.0", args...)
}
