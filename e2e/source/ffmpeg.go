// Package source publishes to an RTMP server with real programs: ffmpeg and
// GStreamer.
package source

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/proc"
)

// FFmpeg describes a synthetic H.264 + AAC stream made by ffmpeg. The zero
// value means the default of every field.
type FFmpeg struct {
	Width, Height int // default 640 × 360
	FrameRate     int // default 30
	GOP           int // frames from one IDR to the next, default one second
	BFrames       int // default none
	SampleRate    int // default 48000
	Channels      int // default 2

	// Flash makes, instead of a moving picture and a tone, a white frame and
	// a beep of 1 kHz that begin at the same instant of every second.
	Flash bool

	// Output are options of the connection.
	Output []string
}

// Encoding options that all our streams share: cheap, so that two cores carry
// encoder, server and player.
const x264 = "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -b:v 1200k -maxrate 1200k -bufsize 1200k"

// Publish encodes in real time and publishes to an RTMP URL.
func (f FFmpeg) Publish(tb testing.TB, url string) *proc.Process {
	tb.Helper()
	return proc.Start(tb, "ffmpeg", f.Args(url)...)
}

// Args is the command line of Publish.
func (f FFmpeg) Args(url string) []string {
	args := append(quiet(), f.inputs("-re")...)
	args = append(args, f.encoders()...)
	args = append(append(args, "-f", "flv"), f.Output...)
	return append(args, url)
}

// Encode writes a stream of the given length into a file.
func (f FFmpeg) Encode(tb testing.TB, file string, length time.Duration) {
	tb.Helper()
	args := append(quiet(), f.inputs()...)
	args = append(args, f.encoders()...)
	args = append(args, "-t", strconv.FormatFloat(length.Seconds(), 'f', 3, 64), "-y", file)
	p := proc.Start(tb, "ffmpeg", args...)
	if err := p.Wait(time.Minute); err != nil {
		tb.Fatalf("encode %s: %v\n%s", file, err, p.Output())
	}
}

// File publishes a file in real time, without encoding.
func File(tb testing.TB, file, url string) *proc.Process {
	tb.Helper()
	return proc.Start(tb, "ffmpeg", append(quiet(), "-re", "-i", file, "-c", "copy", "-f", "flv", url)...)
}

func quiet() []string { return strings.Fields("-nostdin -hide_banner -nostats -loglevel error") }

// inputs are lavfi sources; options are put in front of each.
func (f FFmpeg) inputs(options ...string) []string {
	size := fmt.Sprintf("%dx%d", or(f.Width, 640), or(f.Height, 360))
	rate, samples := or(f.FrameRate, 30), or(f.SampleRate, 48000)
	video := fmt.Sprintf("testsrc2=size=%s:rate=%d", size, rate)
	audio := fmt.Sprintf("sine=frequency=440:sample_rate=%d", samples)
	if f.Flash {
		video = fmt.Sprintf(`color=black:size=%s:rate=%d,drawbox=color=white:t=fill:enable=eq(mod(n\,%d)\,0)`, size, rate, rate)
		audio = fmt.Sprintf(`aevalsrc=exprs=0.8*sin(2000*PI*t)*lt(mod(t\,1)\,0.1):sample_rate=%d`, samples)
	}
	var args []string
	for _, graph := range []string{video, audio} {
		args = append(args, options...)
		args = append(args, "-f", "lavfi", "-i", graph)
	}
	return args
}

func (f FFmpeg) encoders() []string {
	args := strings.Fields(x264)
	if f.BFrames > 0 { // zerolatency forbids them
		args = strings.Fields("-c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 1200k")
	}
	return append(args,
		"-bf", strconv.Itoa(f.BFrames),
		"-g", strconv.Itoa(or(f.GOP, or(f.FrameRate, 30))),
		"-c:a", "aac", "-b:a", "96k",
		"-ar", strconv.Itoa(or(f.SampleRate, 48000)),
		"-ac", strconv.Itoa(or(f.Channels, 2)))
}

func or(value, fallback int) int {
	if value == 0 {
		return fallback
	}
	return value
}
