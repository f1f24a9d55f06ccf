package source

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/proc"
)

// A barcode is the number of a picture, written across its top: two cells a
// bit, the lowest bit first. The left one is white and the right one black for
// 1, the other way round for 0, so that a picture without a barcode is told
// from number 0.
const (
	barcodeBits = 10
	barcodeCell = 64 // pixels, square

	// BarcodeFrames is how many pictures are numbered, 32 seconds of them: whole
	// GOPs of 2, 4 and 8 seconds, and whole AAC frames too, so that a clip can
	// be repeated without a seam.
	BarcodeFrames = 960
	barcodeRate   = 30
)

// BarcodeLength is how long a clip of Barcode is.
const BarcodeLength = BarcodeFrames * time.Second / barcodeRate

// Barcode writes a clip of 1280 × 720 pixels, 30 pictures a second and
// 2.5 Mbit/s into an FLV file, with an IDR every gop pictures. Every picture
// bears its number. Without other options for x264 there are no B-frames.
func Barcode(tb testing.TB, file string, gop int, x264 ...string) {
	tb.Helper()
	if len(x264) == 0 {
		x264 = strings.Fields("-preset ultrafast -tune zerolatency -bf 0")
	}
	args := append(quiet(), "-f", "lavfi", "-i", barcode(), "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
	args = append(append(args, "-c:v", "libx264"), x264...)
	args = append(args, strings.Fields("-pix_fmt yuv420p -b:v 2500k -maxrate 2500k -bufsize 2500k -sc_threshold 0 -c:a aac -b:a 96k -ac 2")...)
	args = append(args, "-g", strconv.Itoa(gop), "-t", strconv.FormatFloat(BarcodeLength.Seconds(), 'f', 3, 64), "-y", file)
	p := proc.Start(tb, "ffmpeg", args...)
	if err := p.Wait(2 * time.Minute); err != nil {
		tb.Fatalf("encode %s: %v\n%s", file, err, p.Output())
	}
}

// BarcodeClip writes such pictures, in a size that OBS paints without a graphics
// card, into a Matroska file for a media source.
func BarcodeClip(tb testing.TB, file string) {
	tb.Helper()
	args := append(quiet(), "-f", "lavfi", "-i", barcode()+",scale=480:270", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
	args = append(args, strings.Fields("-c:v libx264 -preset ultrafast -crf 16 -pix_fmt yuv420p -g 30 -c:a pcm_s16le -ac 2")...)
	args = append(args, "-t", strconv.FormatFloat(BarcodeLength.Seconds(), 'f', 3, 64), "-y", file)
	p := proc.Start(tb, "ffmpeg", args...)
	if err := p.Wait(2 * time.Minute); err != nil {
		tb.Fatalf("encode %s: %v\n%s", file, err, p.Output())
	}
}

// barcode is a filter graph: a moving picture under its number.
func barcode() string {
	const cells = 2 * barcodeBits
	graph := fmt.Sprintf("testsrc2=size=1280x720:rate=%d,drawbox=w=%d:h=%d:color=black:t=fill", barcodeRate, cells*barcodeCell, barcodeCell)
	for cell := range cells {
		graph += fmt.Sprintf(`,drawbox=x=%d:w=%d:h=%[2]d:color=white:t=fill:enable=eq(mod(floor(n/%d)\,2)\,%d)`,
			cell*barcodeCell, barcodeCell, 1<<(cell/2), 1-cell%2)
	}
	return graph
}
