package transcode

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// TestLazy: no process before someone listens, nor some time after; none is
// started for frames that nobody asked for.
func TestLazy(t *testing.T) {
	r := newRig(t, Config{Spares: -1, StopAfter: 10 * time.Second})
	var clock fakeClock
	r.pool.now = clock.now
	listening := false
	r.demand.ask = func() bool { return listening }
	r.depth = 100
	processes := func(want float64) {
		t.Helper()
		if n := r.value("processes", ""); n != want {
			t.Fatalf("%v processes, want %v", n, want)
		}
	}
	at := time.Duration(0)
	listen := func(yes bool) {
		listening = yes
		for range 50 {
			r.write(silence(1, at)[0])
			at += exact(1024, 48000)
		}
	}

	listen(false)
	processes(0)
	if r.encoder != nil {
		t.Error("an encoder without a listener")
	}
	if got := r.got.Audio(); len(got) != 50 || got[0].Codec != media.AAC {
		t.Errorf("%d frames passed on without a listener, want the 50 of AAC", len(got))
	}

	listening = true
	r.ready()
	listen(true)
	r.until(at - 100*time.Millisecond)
	processes(1)
	first := r.ready()

	clock.advance(9 * time.Second)
	listen(false)
	r.until(at - 100*time.Millisecond)
	if r.ready() != first {
		t.Error("another process")
	}

	clock.advance(time.Second)
	listen(false)
	processes(0)
	if r.encoder != nil || !first.ended() {
		t.Error("the encoder is left")
	}
	before := len(opusOf(r.got.Audio()))
	silent := at

	listening = true
	r.ready()
	listen(true)
	got := opusOf(r.until(at - 100*time.Millisecond))
	processes(1)
	if pts := got[before].PTS; pts < silent-50*time.Millisecond || pts > silent+500*time.Millisecond {
		t.Errorf("the first packet after the pause is at %v, want %v", pts, silent)
	}
	checkOpus(t, got)
	if n := r.value("restarts_total", ""); n != 0 {
		t.Errorf("%v restarts", n)
	}
}

// TestCloseWriter: Close passes on and leaves neither a process nor a series.
func TestCloseWriter(t *testing.T) {
	r := newRig(t, Config{Spares: -1})
	r.depth = 100
	r.feed(silence(50, 0))
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if !r.got.Closed() {
		t.Error("the next Writer is not closed")
	}
	if n := r.value("processes", ""); n != 0 {
		t.Errorf("%v processes", n)
	}
	if n := r.value("delay_seconds", ""); n != 0 {
		t.Error("series are left")
	}
}

// TestPoolClosed: without the Pool there is no sound, and nothing else happens.
func TestPoolClosed(t *testing.T) {
	r := newRig(t, Config{})
	r.depth = 100
	frames := silence(300, 0)
	r.feed(frames[:50])
	r.pool.Close()
	for _, f := range frames[50:] {
		r.write(f)
	}
	if err := r.WriteVideo(mediatest.Video(1, 1)[0]); err != nil {
		t.Error(err)
	}
	if n := r.value("restarts_total", ""); n != 0 {
		t.Errorf("%v restarts", n)
	}
	if _, err := r.pool.take(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("take: %v", err)
	}
}

// opusOf leaves out the AAC that was passed on while nobody listened.
func opusOf(frames []*media.AudioFrame) []*media.AudioFrame {
	return slices.DeleteFunc(slices.Clone(frames), func(f *media.AudioFrame) bool { return f.Codec != media.Opus })
}
