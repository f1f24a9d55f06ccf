package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/media"
)

// command returns a publisher's command, ready to run. It fails the test if
// the tool is not there: what real publishers do is what counts.
func command(t *testing.T, name string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed (apt-get install ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good "+
			"gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav): %v", name, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	output := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = output, output
	return cmd, output
}

// ffmpeg returns a command that publishes 2 s of 30 fps with an IDR a second,
// as fast as it can.
func ffmpeg(t *testing.T, d *desk, path string, options ...string) (*exec.Cmd, *bytes.Buffer) {
	args := strings.Fields("-nostdin -hide_banner -loglevel warning -f lavfi -i testsrc2=size=320x180:rate=30 " +
		"-f lavfi -i sine=frequency=440:sample_rate=48000 -t 2 -c:v libx264 -preset ultrafast -g 30 -pix_fmt yuv420p -c:a aac -ac 2")
	args = append(args, options...)
	return command(t, "ffmpeg", append(args, "-f", "flv", fmt.Sprintf("rtmp://%s/%s", d.addr, path))...)
}

func reordered(units []*media.AccessUnit) (n int) {
	for _, au := range units {
		if au.PTS != au.DTS {
			n++
		}
	}
	return n
}

func TestFFmpeg(t *testing.T) {
	for _, c := range []struct {
		name, path, options string
		bFrames             bool
	}{
		{"no B-frames", "live/cam", "-bf 0", false},
		{"B-frames", "live/cam", "-bf 2", true},
		{"token", "live/cam?token=abc", "-bf 0", false},
		{"extended timestamps", "live/cam", "-bf 0 -output_ts_offset 17000", false},
		{"extended timestamps soon", "live/cam", "-bf 2 -output_ts_offset 16776.2", true},
		{"large frames", "live/cam", "-bf 0 -qp 1 -s 640x360", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := serve(t, ingest.Config{})
			cmd, output := ffmpeg(t, d, c.path, strings.Fields(c.options)...)
			if err := cmd.Run(); err != nil {
				t.Fatalf("ffmpeg: %v\n%s", err, output)
			}
			s := d.next()
			s.ended()
			units, frames := s.Video(), s.Audio()
			if len(units) != 60 || len(frames) < 93 || len(frames) > 96 {
				t.Errorf("%d access units and %d audio frames", len(units), len(frames))
			}
			if n := reordered(units); n > 0 != c.bFrames {
				t.Errorf("%d of %d pictures are reordered", n, len(units))
			}
			if span := units[len(units)-1].DTS - units[0].DTS; span < 1960*time.Millisecond || span > 1975*time.Millisecond {
				t.Errorf("the stream spans %v", span)
			}
			if n := d.log.count("corrupt"); n > 0 {
				t.Errorf("corrupt tags:\n%s", d.log)
			}
			if want := strings.TrimPrefix(c.path, "live/cam?token="); want != c.path && s.request.Query.Get("token") != want {
				t.Errorf("query %v", s.request.Query)
			}
		})
	}
}

func TestFFmpegShowsRefusals(t *testing.T) {
	d := serve(t, ingest.Config{})
	d.publishing("live", "taken")
	for path, want := range map[string]string{
		"live/taken": "live/taken is live already",
		"live/wrong": "wrong stream key",
		"a/b/c":      "the app may hold letters",
	} {
		cmd, output := ffmpeg(t, d, path)
		if err := cmd.Run(); err == nil || !strings.Contains(output.String(), "Server error: "+want) {
			t.Errorf("%s: %v, %s", path, err, output)
		}
	}
}

func TestFFmpegKilled(t *testing.T) {
	d := serve(t, ingest.Config{})
	for range 2 { // the name is free at once
		cmd, _ := ffmpeg(t, d, "live/cam", "-t", "3600")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s := d.next()
		s.wait(5, 5)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		s.ended()
	}
}

func gstreamer(t *testing.T, d *desk, sink, path string) (*exec.Cmd, *bytes.Buffer) {
	live := ""
	if sink == "rtmpsink" {
		live = " live=1"
	}
	args := strings.Fields("-e videotestsrc num-buffers=60 ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! " +
		"x264enc speed-preset=ultrafast key-int-max=30 bframes=0 ! flvmux name=mux streamable=true ! " + sink)
	args = append(args, fmt.Sprintf("location=rtmp://%s/%s%s", d.addr, path, live))
	args = append(args, strings.Fields("audiotestsrc num-buffers=88 ! audio/x-raw,rate=44100,channels=2 ! audioconvert ! avenc_aac ! mux.")...)
	return command(t, "gst-launch-1.0", args...)
}

func TestGStreamer(t *testing.T) {
	for _, sink := range []string{"rtmp2sink", "rtmpsink"} {
		t.Run(sink, func(t *testing.T) {
			d := serve(t, ingest.Config{})
			cmd, output := gstreamer(t, d, sink, "live/cam")
			if err := cmd.Run(); err != nil {
				t.Fatalf("gst-launch: %v\n%s", err, output)
			}
			s := d.next()
			s.ended()
			if v, a := len(s.Video()), len(s.Audio()); v != 60 || a < 85 {
				t.Errorf("%d access units and %d audio frames\n%s", v, a, d.log)
			}
			if n := d.log.count("corrupt"); n > 0 {
				t.Errorf("corrupt tags:\n%s", d.log)
			}
			if d.log.count("publication ended", "cause=unpublished") != 1 {
				t.Errorf("not ended in order:\n%s", d.log)
			}
		})
	}
}

func TestGStreamerShowsRefusals(t *testing.T) {
	d := serve(t, ingest.Config{})
	d.publishing("live", "taken")
	for sink, want := range map[string]string{
		"rtmp2sink": "live/taken is live already",
		"rtmpsink":  "", // librtmp knows no BadName; it ends when the server hangs up
	} {
		cmd, output := gstreamer(t, d, sink, "live/taken")
		if err := cmd.Run(); err == nil || !strings.Contains(output.String(), want) {
			t.Errorf("%s: %v, %s", sink, err, output)
		}
	}
}
