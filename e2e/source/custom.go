package source

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/proc"
)

// Custom describes a stream by ffmpeg's own words.
type Custom struct {
	Video, Audio string // lavfi graphs; empty: no such track
	Options      string // encoders and all else
}

// Publish encodes in real time and publishes to an RTMP URL.
func (c Custom) Publish(tb testing.TB, url string) *proc.Process {
	tb.Helper()
	return proc.Start(tb, "ffmpeg", append(c.args("-re"), "-f", "flv", url)...)
}

// Encode writes a stream of the given length into a file.
func (c Custom) Encode(tb testing.TB, file string, length time.Duration) {
	tb.Helper()
	p := proc.Start(tb, "ffmpeg", append(c.args(), "-t", length.String(), "-y", file)...)
	if err := p.Wait(time.Minute); err != nil {
		tb.Fatalf("encode %s: %v\n%s", file, err, p.Output())
	}
}

func (c Custom) args(options ...string) []string {
	args := quiet()
	for _, graph := range []string{c.Video, c.Audio} {
		if graph != "" {
			args = append(append(args, options...), "-f", "lavfi", "-i", graph)
		}
	}
	return append(args, strings.Fields(c.Options)...)
}
