package transcode

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/metrics"
)

// Config are the settings of a Pool. The zero value is a good one.
type Config struct {
	// FFmpeg is the program: a path, or a name to be found in $PATH. It needs
	// the encoder libopus and the muxer nut, as every distribution's has.
	// Default: "ffmpeg".
	FFmpeg string

	// Bitrate of the Opus stream, in bits a second: 16,000 to 510,000.
	// Default: 128,000, at which Opus adds nothing audible to what AAC at
	// usual rates has left of the sound; it varies with the content.
	Bitrate int

	// Spares is how many processes are kept ready: with one, a listener hears
	// the first sound 5 to 9 ms after it arrived instead of 75 to 145, and the
	// gap that a crash leaves is one of 27 ms. A spare takes 11 MB of memory
	// of its own. Default: 1; negative: none.
	Spares int

	// MaxProcesses limits the processes for sound, spares included. A stream at
	// the limit stays silent until another one ends. Default: 20 for each CPU
	// that Go uses; a process takes 2 to 3 % of one.
	MaxProcesses int

	// BFrames is the policy for video that browsers cannot show, of streams that
	// have none of their own. Default:
	// Reencode.
	BFrames Policy

	// VideoEncoder is ffmpeg's encoder for it: libx264, h264_nvenc, h264_qsv or
	// h264_vaapi. Default: libx264.
	VideoEncoder string

	// MaxVideoEncoders limits the processes for video. Of a stream at the limit
	// viewers see the keyframes alone. Default: 2 for each CPU that Go uses; one
	// takes 30 % of a CPU at 720p30, 60 % at 1080p30.
	MaxVideoEncoders int

	// StopAfter is how long a stream's processes go on after its last viewer
	// has left. Default: 20 s.
	StopAfter time.Duration

	// Logger gets the life of the processes. Default: nothing is logged.
	Logger *slog.Logger

	// Metrics gets the numbers. Default: nothing is reported.
	Metrics *metrics.Metrics
}

// Limits of Config.
const (
	minBitrate, maxBitrate = 16_000, 510_000 // libopus at 20 ms, stereo
	processesPerCPU        = 20              // at 20 a core all are served within 1.5 ms (p99), at 50 in 32
	videoPerCPU            = 2               // two cores carry about 5 × 720p30 or 3 × 1080p30
)

// withDefaults returns a copy in which nothing is left to default, or says
// what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	setDefault(&c.FFmpeg, "ffmpeg")
	setDefault(&c.Bitrate, 128_000)
	setDefault(&c.Spares, 1)
	setDefault(&c.MaxProcesses, processesPerCPU*runtime.GOMAXPROCS(0))
	setDefault(&c.BFrames, Reencode)
	setDefault(&c.VideoEncoder, X264)
	setDefault(&c.MaxVideoEncoders, videoPerCPU*runtime.GOMAXPROCS(0))
	setDefault(&c.StopAfter, 20*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.New(prometheus.NewRegistry())
	}
	c.Spares = max(c.Spares, 0)
	switch {
	case c.Bitrate < minBitrate || c.Bitrate > maxBitrate:
		return c, fmt.Errorf("transcode: bitrate %d is not between %d and %d bits a second", c.Bitrate, minBitrate, maxBitrate)
	case c.MaxVideoEncoders < 1:
		return c, fmt.Errorf("transcode: %d video encoders are too few", c.MaxVideoEncoders)
	case !knownEncoder(c.VideoEncoder):
		return c, fmt.Errorf("transcode: video encoder %q is not known", c.VideoEncoder)
	case c.MaxProcesses < 1:
		return c, fmt.Errorf("transcode: %d processes are too few", c.MaxProcesses)
	case c.StopAfter < 0:
		return c, errors.New("transcode: negative StopAfter")
	}
	return c, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
