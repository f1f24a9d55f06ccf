package transcode

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

const (
	withB    = "-preset veryfast -pix_fmt yuv420p -bf 3 -g 30 -sc_threshold 0"
	withoutB = "-preset veryfast -pix_fmt yuv420p -bf 0 -g 30 -sc_threshold 0"
)

// then puts clips one behind the other.
func then(clips ...[]*media.AccessUnit) (all []*media.AccessUnit) {
	start := time.Duration(0)
	for _, clip := range clips {
		for _, au := range clip {
			au := *au
			au.DTS, au.PTS = au.DTS-clip[0].DTS+start, au.PTS-clip[0].DTS+start
			all = append(all, &au)
		}
		start = lastPTS(all, 0) + time.Second/30
	}
	return all
}

func treatment(au *media.AccessUnit) media.Treatment {
	if au.Treatment == nil {
		return media.Treatment{}
	}
	return *au.Treatment
}

// process waits for the encoder's process.
func (r *videoRig) process() (p *process) {
	r.t.Helper()
	within(r.t, 20*time.Second, "a process that encodes", func() bool {
		if r.encoder == nil {
			return false
		}
		r.encoder.mu.Lock()
		defer r.encoder.mu.Unlock()
		if r.encoder.feed == nil {
			return false
		}
		p = r.encoder.feed.process
		return true
	})
	return p
}

// TestVideoPasses: what browsers show passes as it is, without a process.
func TestVideoPasses(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{})
	source := encodeH264(t, "320x180", 30, time.Second, withoutB)
	hevc := *source[0]
	hevc.Codec, hevc.DTS, hevc.PTS = media.H265, time.Minute, time.Minute+40*time.Millisecond
	for _, au := range append(source, &hevc) {
		if err := r.WriteVideo(au); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.got.Video(); !slices.Equal(got, append(source, &hevc)) {
		t.Errorf("%d pictures of %d came, or not the same", len(got), len(source)+1)
	}
	if n := r.value("processes", kindVideo); n != 0 || r.encoder != nil {
		t.Errorf("%v processes", n)
	}
}

// TestVideoLazy: nobody watches, and nothing is encoded; the first viewer gets
// an IDR of what is new, in the middle of a GOP; after the last one the process
// goes on for StopAfter.
func TestVideoLazy(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{StopAfter: 5 * time.Second})
	var clock fakeClock
	r.pool.now = clock.now
	r.watched.Store(false)
	source := encodeH264(t, "320x180", 30, 9*time.Second, strings.Replace(withB, "-g 30", "-g 300", 1))
	r.feed(source[:90])
	got := r.got.Video()
	if len(got) != 90 || r.encoder != nil {
		t.Fatalf("%d access units of 90 came, encoder %v", len(got), r.encoder)
	}
	for _, au := range got {
		if treatment(au) != (media.Treatment{Cause: media.BFrames, Action: media.Reencoded, Withheld: true}) {
			t.Fatalf("treatment of an access unit that nobody sees: %+v", treatment(au))
		}
	}
	r.watched.Store(true)
	r.feed(source[90:])
	came := r.shown(lastPTS(source, 12))
	missing := same(t, source, came)
	if late := came[0].PTS - source[90].DTS; !came[0].IDR || late < 0 || late > 4*time.Second || missing > 0 {
		t.Errorf("the first picture is %v after the viewer, IDR: %v; %d are missing", late, came[0].IDR, missing)
	}
	r.watched.Store(false)
	p := r.process()
	clock.advance(4 * time.Second)
	write := func(later time.Duration) {
		au := *source[len(source)-1]
		au.DTS, au.PTS = au.DTS+later, au.PTS+later
		if err := r.WriteVideo(&au); err != nil {
			t.Error(err)
		}
	}
	write(time.Second)
	if p.ended() {
		t.Error("the process has ended too soon")
	}
	clock.advance(2 * time.Second)
	write(2 * time.Second)
	if !p.ended() || r.encoder != nil {
		t.Error("the process goes on without viewers")
	}
}

// TestVideoBegins: B-frames that begin in mid-stream are encoded anew from
// their IDR on; when they have ended the publisher's pictures pass again.
// Nothing is lost, everything is in order.
func TestVideoBegins(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{})
	plain := encodeH264(t, "320x180", 30, time.Second, withoutB)
	b := encodeH264(t, "320x180", 30, 2*time.Second, withB)
	source := then(plain, b, plain)
	r.feed(source)
	got := r.got.Video()
	var actions []media.Action
	for i, au := range got {
		if a := treatment(au).Action; i == 0 || a != treatment(got[i-1]).Action {
			actions = append(actions, a)
			if !au.IDR {
				t.Errorf("picture %d of %v is the first that is %q, and no IDR", i, au.PTS, a)
			}
		}
		if i > 0 && au.PTS <= got[i-1].PTS {
			t.Errorf("picture %d has PTS %v, the one before %v", i, au.PTS, got[i-1].PTS)
		}
	}
	if !slices.Equal(actions, []media.Action{"", media.Reencoded, ""}) {
		t.Errorf("the pictures were %q", actions)
	}
	if missing := len(source) - len(got); missing > 0 {
		t.Errorf("%d pictures are missing", missing)
	}
	if r.encoder != nil {
		t.Error("the encoder goes on")
	}
}

// TestVideoIntraRefresh: a stream with no IDR but its first is encoded anew when
// nobody could begin at that any more. Who has begun sees it go on, and it goes
// on without viewers, because no later encoder could begin.
func TestVideoIntraRefresh(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{StopAfter: time.Millisecond})
	r.faster = 8
	source := encodeH264(t, "320x180", 10, 50*time.Second, "-preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 20 -x264-params intra-refresh=1")
	r.feed(source[:200])
	came := r.shown(source[195].PTS)
	first := slices.IndexFunc(came, func(au *media.AccessUnit) bool { return treatment(au).Action == media.Reencoded })
	if first < 0 || !came[first].IDR || treatment(came[first]).Cause != media.LongGOP {
		t.Fatalf("picture %d is the first that is encoded anew", first)
	}
	if at := came[first].PTS - source[0].PTS; at <= longGOP || at > longGOP+4*time.Second {
		t.Errorf("it is of %v", at)
	}
	for i, au := range came[1:] {
		if au.PTS <= came[i].PTS {
			t.Errorf("picture %d has PTS %v, the one before %v", i+1, au.PTS, came[i].PTS)
		}
	}
	if missing := same(t, source, came[first:]); missing > 0 || treatment(came[first-1]).Action == media.Reencoded {
		t.Errorf("%d pictures are missing", missing)
	}
	r.watched.Store(false)
	r.feed(source[200:])
	r.shown(source[495].PTS)
}

// TestVideoCause: where browsers do not show it for another cause from some IDR
// on, the pictures say so from there on.
func TestVideoCause(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{})
	b := encodeH264(t, "320x180", 30, time.Second, withB)
	source := then(b, encodeH264(t, "320x180", 30, time.Second, strings.Replace(withB, "yuv420p", "yuv422p", 1)))
	r.feed(source)
	came := r.shown(lastPTS(source, 12))
	for _, au := range came {
		want := media.BFrames
		if au.PTS > lastPTS(source[:len(b)], 0) {
			want = media.High422
		}
		if treatment(au).Cause != want {
			t.Fatalf("the picture of %v is encoded anew because of %q, not %q", au.PTS, treatment(au).Cause, want)
		}
	}
	if missing := len(source) - len(came); missing > 12 {
		t.Errorf("%d pictures are missing", missing)
	}
}

// TestVideoUnannounced: B-frames that nothing announces are seen at the first
// one, in the middle of a GOP, and encoded from there on.
func TestVideoUnannounced(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{})
	source := encodeH264(t, "320x180", 30, 2*time.Second, withB)
	silent := *source[0].ParameterSets
	silent.ReorderFrames = -1
	for _, au := range source {
		au.ParameterSets = &silent
	}
	r.feed(source)
	came := r.shown(lastPTS(source, 12))
	first := slices.IndexFunc(came, func(au *media.AccessUnit) bool { return treatment(au).Action == media.Reencoded })
	if first < 1 || first > 4 || !came[first].IDR {
		t.Fatalf("picture %d is the first that is encoded anew", first)
	}
	if missing := same(t, source, came[first:]); missing > 0 {
		t.Errorf("%d pictures are missing", missing)
	}
}

// TestVideoResized: another size in mid-stream is another process, and nothing
// is lost.
func TestVideoResized(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{})
	small, large := encodeH264(t, "320x180", 30, time.Second, withB), encodeH264(t, "480x270", 30, time.Second, withB)
	source := then(small, large)
	r.feed(source)
	came := r.shown(lastPTS(source, 12))
	for _, au := range came {
		want := 320
		if au.PTS >= source[len(small)].PTS {
			want = 480
		}
		if au.ParameterSets.Width != want {
			t.Fatalf("the picture of %v is %d wide, want %d", au.PTS, au.ParameterSets.Width, want)
		}
	}
	if bytes.Equal(came[0].NALUs[0], came[len(came)-1].ParameterSets.SPS[0]) {
		t.Error("the SPS is still the one of the smaller pictures")
	}
	part := slices.IndexFunc(came, func(au *media.AccessUnit) bool { return au.ParameterSets.Width == 480 })
	missing := same(t, source[:len(small)], came[:part]) + same(t, source[len(small):], came[part:]) + len(small) - part
	if n := r.value("restarts_total", ""); missing > 0 || n != 0 {
		t.Errorf("%d pictures are missing; %v restarts", missing, n)
	}
}

// TestVideoKilled: after the death of the process the pictures go on with an
// IDR, in the middle of a GOP.
func TestVideoKilled(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			r := newVideoRig(t, Config{})
			r.faster = 2
			source := encodeH264(t, "320x180", 30, 10*time.Second, strings.Replace(withB, "-g 30", "-g 300", 1))
			r.feed(source[:45])
			r.shown(source[20].PTS)
			if err := syscall.Kill(r.process().cmd.Process.Pid, signal); err != nil {
				t.Fatal(err)
			}
			r.feed(source[45:])
			came := r.shown(lastPTS(source, 12))
			missing := same(t, source, came)
			i := slices.IndexFunc(came, func(au *media.AccessUnit) bool { return au.PTS >= source[45].PTS && au.IDR })
			if n := r.value("restarts_total", ""); n != 1 || i < 0 {
				t.Errorf("%v restarts, the IDR after it is picture %d", n, i)
			}
			if missing > 240 {
				t.Errorf("%d pictures are missing", missing)
			}
			t.Logf("%d pictures are missing", missing)
		})
	}
}

// TestVideoKeyframes: they are where the publisher's are, and where one is
// asked for.
func TestVideoKeyframes(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{})
	source := encodeH264(t, "320x180", 30, 5*time.Second, strings.Replace(withB, "-g 30", "-g 60", 1))
	const asked = 95
	r.feed(source[:asked])
	r.asked.Store(true)
	r.feed(source[asked:])
	came := r.shown(lastPTS(source, 12))
	var keys []int
	for _, au := range came {
		if au.IDR {
			keys = append(keys, slices.IndexFunc(source, func(s *media.AccessUnit) bool { return s.PTS == au.PTS }))
		}
	}
	if len(keys) != 4 || keys[0] != 0 || keys[1] != 60 || keys[2] < asked-15 || keys[2] > asked+24 || keys[3] != 120 {
		t.Errorf("the IDRs are pictures %v, want 0, 60, one soon after %d, and 120", keys, asked)
	}
}

// TestVideoLimit: a stream that finds all encoders taken is shown by its IDRs,
// until one is free.
func TestVideoLimit(t *testing.T) {
	t.Parallel()
	r := newVideoRig(t, Config{MaxVideoEncoders: 1})
	r.pool.sleep = sleepLess
	source := encodeH264(t, "320x180", 30, 2*time.Second, strings.Replace(withB, "-g 30", "-g 15", 1))
	r.feed(source[:5])
	r.process()
	got := mediatest.NewRecorder(t)
	second := &videoRig{t: t, reg: r.reg, got: got, faster: r.faster, VideoWriter: r.pool.NewVideoWriter("live/second", "", got, always, r.asked.Load)}
	second.feed(source[:1])
	within(t, 10*time.Second, "refusal", func() bool { return second.idle() == DropLimit })
	second.feed(source[1:])
	for _, au := range got.Video() {
		if t1 := treatment(au); !au.IDR || t1.Action != media.Thinned || t1.Withheld || !strings.Contains(t1.Reason, "taken") {
			t.Fatalf("IDR: %v, treatment: %+v", au.IDR, t1)
		}
	}
	if n := len(got.Video()); n != 3 {
		t.Errorf("%d pictures of 3 keyframes", n)
	}
	r.Close()
	second.process()
	again := then(source, source)[len(source):]
	second.feed(again)
	came := second.shown(lastPTS(again, 12))
	if last := came[len(came)-1]; treatment(last).Action != media.Reencoded {
		t.Errorf("the last picture is %+v", treatment(last))
	}
	second.Close()
}

// TestVideoFails: so is one whose encoder fails again and again, or that has
// none; of 10-bit video nothing can be shown.
func TestVideoFails(t *testing.T) {
	t.Parallel()
	b, ten := encodeH264(t, "320x180", 30, time.Second, withB), encodeH264(t, "320x180", 30, time.Second, "-preset ultrafast -pix_fmt yuv420p10le -g 30")
	for _, c := range []struct {
		name, ffmpeg, reason string
		source               []*media.AccessUnit
		cause                media.Cause
	}{
		{"it fails", fake(t, "exit 3"), "fails", b, media.BFrames},
		{"it fails with 10-bit", fake(t, "exit 3"), "fails", ten, media.High10},
		{"no libx264", script(t, `case "$2" in -encoders) echo " A....D libopus  Opus"; exit ;; esac; `+realFFmpeg(t)), "no encoder libx264", b, media.BFrames},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newVideoRig(t, Config{FFmpeg: c.ffmpeg})
			r.pool.sleep = sleepLess
			if err := r.WriteVideo(c.source[0]); err != nil {
				t.Fatal(err)
			}
			if r.encoder != nil {
				within(t, 10*time.Second, "end of the attempts", func() bool { return r.idle() == DropFailed })
			}
			again := *c.source[0]
			again.DTS, again.PTS = again.DTS+time.Second, again.PTS+time.Second
			for _, au := range append(slices.Clone(c.source[1:]), &again) {
				if err := r.WriteVideo(au); err != nil {
					t.Fatal(err)
				}
			}
			got := r.got.Video()
			last := got[len(got)-1]
			want := media.Treatment{Cause: c.cause, Action: media.Thinned, Reason: treatment(last).Reason, Withheld: c.cause != media.BFrames}
			if !last.IDR || last.PTS != again.PTS || treatment(last) != want || !strings.Contains(want.Reason, c.reason) {
				t.Errorf("last is %v, IDR: %v, %+v", last.PTS, last.IDR, treatment(last))
			}
		})
	}
}

// TestVideoPolicies: video with B-frames passes with a remark, or is refused
// with a sentence.
func TestVideoPolicies(t *testing.T) {
	t.Parallel()
	source := encodeH264(t, "320x180", 30, time.Second, withB)
	r := newVideoRig(t, Config{BFrames: Pass})
	r.feed(source[:10])
	for i, au := range r.got.Video() {
		if au.PTS != source[i].PTS || treatment(au) != (media.Treatment{Cause: media.BFrames, Action: media.Passed}) {
			t.Errorf("picture %d: %+v", i, au)
		}
	}
	r = newVideoRig(t, Config{BFrames: Refuse})
	err := r.WriteVideo(source[0])
	var unplayable *UnplayableError
	if !errors.As(err, &unplayable) || !strings.Contains(err.Error(), "bframes=0") {
		t.Errorf("error %v", err)
	}
}

// sleepLess does not wait as long as it should.
func sleepLess(context.Context, time.Duration) { time.Sleep(time.Millisecond) }

func (r *videoRig) idle() string {
	r.encoder.mu.Lock()
	defer r.encoder.mu.Unlock()
	return r.encoder.idle
}
