package transcode

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// pace calls write for each frame when its time has come.
func pace(t testing.TB, frames []*media.AudioFrame, write func(*media.AudioFrame)) {
	t.Helper()
	begin := time.Now()
	for _, f := range frames {
		select {
		case <-time.After(time.Until(begin.Add(f.PTS - frames[0].PTS + f.Duration))):
		case <-t.Context().Done():
			return
		}
		write(f)
	}
}

// TestKilled: SIGKILL of the child costs a part of a second of sound, and no
// picture.
func TestKilled(t *testing.T) {
	r := newRig(t, Config{})
	r.ready()
	frames := encodeAAC(t, 48000, 2, 0, 3*time.Second)
	pictures := mediatest.Video(90, 30)
	var video sync.WaitGroup
	video.Go(func() {
		for _, au := range pictures {
			if err := r.WriteVideo(au); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Millisecond) // while sound comes and goes
		}
	})
	var killed *process
	pace(t, frames, func(f *media.AudioFrame) {
		if f == frames[len(frames)/2] {
			killed = r.ready()
			if err := killed.cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
		r.write(f)
	})
	video.Wait()
	got := r.until(frames[len(frames)-1].PTS)
	holes := checkOpus(t, got)
	if sum := total(holes); sum == 0 || sum > time.Second {
		t.Errorf("holes of %v, want a part of a second", holes)
	}
	t.Logf("holes of %v", holes)
	checkAlignment(t, frames, got, frames[10].PTS)
	checkAlignment(t, frames, got, 2200*time.Millisecond)
	if n := len(r.got.Video()); n != len(pictures) {
		t.Errorf("%d of %d pictures", n, len(pictures))
	}
	if n := r.value("restarts_total", ""); n != 1 {
		t.Errorf("%v restarts", n)
	}
	if r.ready() == killed {
		t.Error("the process is still the one that was killed")
	}
}

// TestStalled: a process that hangs, and one that swallows everything, are
// replaced; a frame never waits for them for longer than its 5 ms.
func TestStalled(t *testing.T) {
	for _, c := range []struct{ name, ffmpeg string }{
		{"stopped", ""},
		{"swallows", fake(t, `if mkdir "$0.second" 2>/dev/null; then cat >/dev/null; fi; `+realFFmpeg(t))},
		{"neither reads nor writes", fake(t, `if mkdir "$0.second" 2>/dev/null; then sleep 1000; fi; `+realFFmpeg(t))},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log syncBuffer
			r := newRig(t, Config{FFmpeg: c.ffmpeg, Spares: -1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			var clock fakeClock
			r.pool.now = clock.now
			first := r.ready()
			frames := encodeAAC(t, 48000, 2, 0, 2*time.Second)
			if c.ffmpeg == "" {
				r.feed(frames[:20])
				r.until(300 * time.Millisecond)
				if err := first.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 300 { // 6.4 s: even one that may be starting has no excuse left
				begin := time.Now()
				r.write(shift(frames[20:21], time.Duration(i)*exact(1024, 48000))[0])
				if d := time.Since(begin); d > 500*time.Millisecond { // 5 ms and what a busy machine makes of them
					t.Errorf("a frame waited for %v", d)
				}
				clock.advance(exact(1024, 48000))
				if i == 22 && first.ended() {
					t.Error("it was replaced too soon")
				}
			}
			within(t, 10*time.Second, "end of the process", first.ended)
			r.feed(shift(frames, time.Minute))
			got := r.until(time.Minute + time.Second)
			checkOpus(t, got)
			if !strings.Contains(log.String(), "takes sound and returns none") {
				t.Errorf("the log does not say why:\n%s", log.String())
			}
			if n := r.value("restarts_total", ""); n != 1 {
				t.Errorf("%v restarts", n)
			}
		})
	}
}

// TestFailing: an ffmpeg that dies again and again is tried ever more slowly,
// the stream's sound is marked as failed meanwhile, and comes back when ffmpeg
// does. Its last words are in the log.
func TestFailing(t *testing.T) {
	dir := t.TempDir()
	cured := filepath.Join(dir, "cured")
	var log syncBuffer
	r := newRig(t, Config{
		FFmpeg: fake(t, `if ! test -e `+cured+`; then echo my last words >&2; exit 3; fi; `+realFFmpeg(t)),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	pauses := make(chan time.Duration)
	r.pool.sleep = func(ctx context.Context, d time.Duration) {
		select {
		case pauses <- d:
		case <-ctx.Done():
		}
	}
	frame := silence(1, 0)
	r.write(frame[0])
	var got []time.Duration
	for len(got) < 6 {
		if len(got) < 5 && r.value("failed", "") != 0 {
			t.Errorf("marked as failed after %v", got)
		}
		got = append(got, <-pauses)
	}
	s := time.Second
	if want := []time.Duration{0, s / 10, s / 2, 2 * s, 5 * s, 30 * s}; !slices.Equal(got, want) {
		t.Errorf("pauses %v, want %v", got, want)
	}
	if r.value("failed", "") != 1 {
		t.Error("not marked as failed")
	}
	<-pauses
	before := r.value("dropped_frames_total", DropFailed)
	r.write(shift(frame, s)[0])
	if n := r.value("dropped_frames_total", DropFailed); n != before+1 && n != 0 {
		t.Errorf("%v frames dropped because it failed, %v before", n, before)
	}
	for _, want := range []string{"my last words", "exit status 3", "level=ERROR", "stream=live/test"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, log.String())
		}
	}
	if err := os.WriteFile(cured, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			select {
			case <-pauses:
			case <-t.Context().Done():
				return
			}
		}
	}()
	at := 10 * s
	within(t, 20*time.Second, "sound after the cure", func() bool {
		r.write(silence(1, at)[0]) // what comes before the next process is up is lost
		at += exact(1024, 48000)
		return len(r.got.Audio()) > 0
	})
	if r.value("failed", "") != 0 {
		t.Error("still marked as failed")
	}
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestBabble: a process whose output is not NUT with Opus in it is replaced.
func TestBabble(t *testing.T) {
	for _, output := range []string{`exec cat /dev/zero`, `exec cat ` + filepath.Join(pwd(t), "nut/testdata/mpeg4-mp3.nut")} {
		r := newRig(t, Config{Spares: -1, FFmpeg: fake(t, `if mkdir "$0.second" 2>/dev/null; then `+output+`; fi; `+realFFmpeg(t))})
		r.feed(encodeAAC(t, 48000, 2, 0, time.Second))
		r.until(500 * time.Millisecond)
		if n := r.value("restarts_total", ""); n != 1 {
			t.Errorf("%s: %v restarts", output, n)
		}
	}
}

func pwd(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestStreamAtLimit: a stream beyond the limit is silent, says so once, and
// gets its process when another stream ends.
func TestStreamAtLimit(t *testing.T) {
	var log syncBuffer
	r := newRig(t, Config{MaxProcesses: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	r.pool.sleep = func(context.Context, time.Duration) { time.Sleep(time.Millisecond) }
	r.depth = 100
	r.feed(silence(20, 0))

	got := mediatest.NewRecorder(t)
	second := r.pool.NewOpusWriter("live/second", got, always)
	defer second.Close()
	frames := silence(2000, 0)
	write := func() {
		f := frames[0]
		frames = frames[1:]
		f.Arrival = time.Now()
		if err := second.WriteAudio(f); err != nil {
			t.Fatal(err)
		}
	}
	within(t, 10*time.Second, "frame dropped at the limit", func() bool {
		write()
		return r.value("dropped_frames_total", DropLimit) > 20
	})
	if n := strings.Count(log.String(), "limit of ffmpeg processes is reached (1 for audio)"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	if n := r.value("restarts_total", "live/second"); n != 0 {
		t.Errorf("%v restarts", n)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	within(t, 10*time.Second, "packet of the second stream", func() bool {
		write()
		return len(got.Audio()) > 0
	})
}
