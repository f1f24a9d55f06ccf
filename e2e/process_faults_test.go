//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestEncoderKilled: kill -9 of every ffmpeg child, the spare included. Audio
// is back within two seconds and video does not notice.
func TestEncoderKilled(t *testing.T) {
	const stream = "live/encoder"
	s := server.Start(t)
	source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Playing(60)
	v.Video.Mark()
	v.Audio.Mark()

	children := s.Children()
	if len(children) == 0 {
		t.Fatal("sluice has no child process")
	}
	for _, pid := range children {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	v.Playing(100)
	audio := v.Audio.Stats()
	t.Logf("audio was silent for %v", audio.Silence)
	if audio.Silence > 2*time.Second {
		t.Errorf("audio came back after %v", audio.Silence)
	}
	if audio.Silence < 20*time.Millisecond {
		t.Errorf("audio was never away: the test killed the wrong processes %v", children)
	}
	if err := undisturbed(v); err != nil {
		t.Error(err)
	}
	if n := s.Scrape().Sum("sluice_transcode_restarts_total", server.Label("stream", stream)); n < 1 {
		t.Errorf("sluice_transcode_restarts_total is %v", n)
	}
}

// TestNoOrphans: a sluice that is killed takes its children with it.
func TestNoOrphans(t *testing.T) {
	const stream = "live/orphan"
	s := server.Start(t)
	source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	viewer.Join(t, s.WHEP(stream)).Playing(10)
	children := s.Children()
	if len(children) == 0 {
		t.Fatal("sluice has no child process")
	}
	s.Kill()
	await.Success(t, 5*time.Second, func() error { return gone(children) })
}

// TestTerminateWhileStreaming: SIGTERM ends publishers, viewers and children,
// and exits with code 0.
func TestTerminateWhileStreaming(t *testing.T) {
	const stream = "live/term"
	s := server.Start(t)
	publisher := source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	for range 3 {
		viewer.Join(t, s.WHEP(stream)).Playing(10)
	}
	children := s.Children()
	took, err := s.Terminate()
	t.Logf("ended after %v", took)
	if err != nil {
		t.Errorf("sluice after SIGTERM: %v", err)
	}
	if took > 10*time.Second {
		t.Errorf("sluice took %v to end", took)
	}
	await.Success(t, 5*time.Second, func() error { return gone(children) })
	await.Success(t, 5*time.Second, func() error {
		if ended, _ := publisher.Ended(); !ended {
			return fmt.Errorf("ffmpeg still publishes")
		}
		return nil
	})
}

func gone(pids []int) error {
	for _, pid := range pids {
		if server.Alive(pid) {
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			return fmt.Errorf("process %d is left over: %q", pid, name)
		}
	}
	return nil
}
