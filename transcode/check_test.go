package transcode

import (
	"strings"
	"testing"
)

// TestCheck: an ffmpeg that cannot do the work is refused in one sentence that
// says what is missing and how to get it.
func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, ffmpeg, want string }{
		{"missing", "/nowhere/ffmpeg", `"/nowhere/ffmpeg" cannot be run (no such file or directory)`},
		{"not in the path", "ffmpeg-that-is-not-there", "cannot be run (executable file not found in $PATH)"},
		{"fails", script(t, "echo cannot open libx264 >&2; exit 127"), "-version fails (exit status 127: cannot open libx264)"},
		{"no encoder", script(t, `echo "  E nut  NUT"; echo " D libopusfile"`), "has no encoder libopus"},
		{"no muxer", script(t, `echo " A..... libopus"; echo "  E nutcracker  -"`), "has no muxer nut"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := NewPool(t.Context(), Config{FFmpeg: c.ffmpeg})
			if err == nil {
				p.Close()
				t.Fatal("accepted")
			}
			got := err.Error()
			if !strings.Contains(got, c.want) || !strings.HasSuffix(got, "install one with: apt-get install ffmpeg") || strings.Contains(got, "\n") {
				t.Errorf("got: %s\nwant: %s", got, c.want)
			}
		})
	}
}

// TestHardwareIsTried: an encoder that ffmpeg has and the machine has not is
// refused in a sentence with ffmpeg's reason; one that works is taken.
func TestHardwareIsTried(t *testing.T) {
	list := `case "$*" in *-version*) echo "ffmpeg version 0" ;; *-muxers*) echo "  E nut  NUT" ;;
*-encoders*) echo " A..... libopus"; echo " V..... h264_nvenc" ;; *"-c:v h264_nvenc"*"-f null"*) `
	_, err := NewPool(t.Context(), Config{Spares: -1, VideoEncoder: NVENC, FFmpeg: script(t, list+`echo "Cannot load libcuda.so.1" >&2; echo "more" >&2; exit 1 ;; esac`)})
	if err == nil || !strings.Contains(err.Error(), "h264_nvenc does not work on this machine (exit status 1: Cannot load libcuda.so.1); choose another with --video-encoder") {
		t.Errorf("got: %v", err)
	}
	p, err := NewPool(t.Context(), Config{Spares: -1, VideoEncoder: NVENC, FFmpeg: script(t, list+`;; esac`)})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}

// TestTrial: ffmpeg takes the words of the trial, whatever it has to say of the
// hardware.
func TestTrial(t *testing.T) {
	run(t, nil, videoSpec{width: 640, height: 360, fps: 30, bitrate: 1_000_000}.trial(X264)...)
	for _, encoder := range []string{NVENC, QSV, VAAPI} {
		err := tryHardware(t.Context(), "ffmpeg", encoder)
		if err != nil && (strings.Contains(err.Error(), "ption") || strings.Contains(err.Error(), "Unknown encoder")) {
			t.Errorf("%s: %v", encoder, err)
		}
		t.Logf("%s: %v", encoder, err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Bitrate: 100}, "bitrate 100 is not between 16000 and 510000"},
		{Config{Bitrate: 1_000_000}, "bitrate 1000000 is not"},
		{Config{MaxProcesses: -1}, "-1 processes are too few"},
		{Config{StopAfter: -1}, "negative StopAfter"},
	} {
		if _, err := NewPool(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.cfg, err, c.want)
		}
	}
}
