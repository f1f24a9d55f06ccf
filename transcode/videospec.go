package transcode

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"

	"github.com/sluice-media/sluice/media"
)

// The encoders of video that ffmpeg is asked for.
const (
	X264  = "libx264"
	NVENC = "h264_nvenc"
	QSV   = "h264_qsv"
	VAAPI = "h264_vaapi"
)

func knownEncoder(name string) bool {
	return name == X264 || name == NVENC || name == QSV || name == VAAPI
}

const (
	// maxPicture is in luma samples: 36,864 macroblocks, the most up to level
	// 5.2 (ITU-T H.264 table A-1), 4096 × 2304. A decoder keeps up to 17 of
	// them.
	maxPicture = 36864 * 256

	// threadSamples is what one thread of x264 superfast encodes a second with
	// something to spare, in luma samples: 1080p30.
	threadSamples = 1920 * 1080 * 30

	// anew is how many bits a picture needs that had one in the source: the
	// quick preset without B-frames needs more of them.
	anew = 1.2

	// Bits for a luma sample: what a stream gets whose rate is not known, and
	// what it gets at least, because its picture may not stand still for ever.
	usualBits, leastBits = 0.1, 0.04

	mostBitrate = 100_000_000
)

// videoSpec is what a process is started for.
type videoSpec struct {
	width, height int
	fps           float64
	bitrate       int // bit/s
}

// specOf returns what a stream needs.
func specOf(sets *media.ParameterSets, r *rate) videoSpec {
	s := videoSpec{width: sets.Width, height: sets.Height, fps: r.fps}
	if s.fps <= 0 {
		s.fps = sets.FrameRate
	}
	if s.fps < 1 || s.fps > 300 {
		s.fps = 30
	}
	samples := s.samples()
	bits := anew * float64(r.bitrate())
	if bits == 0 {
		bits = usualBits * samples
	}
	s.bitrate = int(min(max(bits, leastBits*samples, 100_000), mostBitrate))
	return s
}

// samples is the number of luma samples a second.
func (s videoSpec) samples() float64 { return float64(s.width*s.height) * s.fps }

// suits says whether a process that was started for s does for another spec.
func (s videoSpec) suits(o videoSpec) bool {
	const more, less = 1.6, 0.5
	ratio := float64(o.bitrate) / float64(s.bitrate)
	return s.width == o.width && s.height == o.height && ratio < more && ratio > less
}

// arguments are those of an encoder from FLV on stdin to NUT on stdout. The
// decoder has one thread, because each further one delays by a picture. What
// the two lowest bits of a timestamp mean is in videofeed.go; mod() of a
// timestamp stays right when FLV's 32 bits wrap.
func (s videoSpec) arguments(encoder string) []string {
	device, format, output := s.encoding(encoder)
	args := strings.Fields("-nostdin -hide_banner -nostats -loglevel error -protocol_whitelist pipe -max_alloc 67108864 -filter_threads 1")
	args = append(args, device...)
	args = append(args, strings.Fields("-threads 1 -probesize 32 -analyzeduration 0 -copyts -f flv -i pipe:0 -map 0:v:0 -an")...)
	args = append(args, "-vf", fmt.Sprintf("select=lt(mod(pts\\,%d)\\,%d),", fedScale, fedSkip)+format)
	args = append(args, output...)
	args = append(args, "-fps_mode", "passthrough", "-enc_time_base", "1:1000")
	args = append(args, "-force_key_frames", fmt.Sprintf("expr:mod(round(t*1000),%d)", fedSkip))
	return append(args, strings.Fields("-bsf:v dump_extra=freq=keyframe -flush_packets 1 -f nut -write_index 0 pipe:1")...)
}

// trial are the arguments that encode one black picture and throw it away.
func (s videoSpec) trial(encoder string) []string {
	device, format, output := s.encoding(encoder)
	args := append(strings.Fields("-nostdin -hide_banner -nostats -loglevel error"), device...)
	args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("color=size=%dx%d:rate=%g", s.width, s.height, s.fps), "-frames:v", "1", "-vf", format)
	return append(append(args, output...), "-f", "null", "-")
}

// encoding is how an encoder is asked for pictures without delay: what comes
// before the input, the end of the filter, and what comes after the input.
func (s videoSpec) encoding(encoder string) (device []string, format string, output []string) {
	format, options := "format=nv12", ""
	switch encoder {
	case X264:
		format = "format=yuv420p"
		threads := min(int(math.Ceil(s.samples()/threadSamples)), runtime.NumCPU(), 8)
		options = fmt.Sprintf("-preset superfast -tune zerolatency -x264-params fps=%.3f -forced-idr 1 -sc_threshold 0 -threads %d", s.fps, threads)
	case NVENC:
		format = "format=yuv420p"
		options = "-preset p3 -tune ull -rc cbr -zerolatency 1 -delay 0 -forced-idr 1"
	case QSV:
		options = "-preset veryfast -async_depth 1 -look_ahead 0 -forced_idr 1"
	case VAAPI:
		device = []string{"-vaapi_device", "/dev/dri/renderD128"}
		format += ",hwupload"
		options = "-async_depth 1 -rc_mode CBR"
	}
	rate := strconv.Itoa(s.bitrate)
	output = append([]string{"-c:v", encoder, "-profile:v", "high"}, strings.Fields(options)...)
	return device, format, append(output, "-bf", "0", "-g", "1000000", "-b:v", rate, "-maxrate", rate, "-bufsize", rate)
}
