package source

import (
	"os"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/e2e/proc"
)

// PublishWHIP encodes in real time and publishes over WHIP.
func PublishWHIP(tb testing.TB, url, token string) *proc.Process {
	tb.Helper()
	args := append(quiet(), FFmpeg{Width: 640, Height: 360}.inputs("-re")...)
	args = append(args, strings.Fields(x264+" -profile:v baseline -g 60 -c:a libopus -b:a 96k -ar 48000 -ac 2 -f whip -authorization "+token)...)
	return proc.Start(tb, enhanced(tb), append(args, url)...)
}

// PublishWHIPClient does so with simple-whip-client on GStreamer's webrtcbin,
// which $WHIP_CLIENT names.
func PublishWHIPClient(tb testing.TB, url string) *proc.Process {
	tb.Helper()
	client := os.Getenv("WHIP_CLIENT")
	if client == "" {
		tb.Skip("WHIP_CLIENT names no simple-whip-client: make e2e-whip installs one, as root on Debian")
	}
	const (
		video = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 ! videoconvert ! " +
			"x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 bitrate=1200 ! video/x-h264,profile=constrained-baseline ! " +
			"rtph264pay pt=96 config-interval=-1 ssrc=2 ! queue ! application/x-rtp,media=video,encoding-name=H264,payload=96"
		audio = "audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc ! " +
			"rtpopuspay pt=111 ssrc=1 ! queue ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111"
	)
	return proc.Start(tb, client, "-u", url, "-V", video, "-A", audio)
}
