package mediatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-media/sluice/media"
)

// complaints is a TB that keeps what it is told.
type complaints struct {
	mu  sync.Mutex
	all []string
}

func (c *complaints) Helper() {}

func (c *complaints) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, fmt.Sprintf(format, args...))
}

func TestRecorderFindsBreaches(t *testing.T) {
	broken := errors.New("broken")
	video := func(r *Recorder, units ...*media.AccessUnit) {
		for _, au := range units {
			_ = r.WriteVideo(au)
		}
	}
	audio := func(r *Recorder, frames ...*media.AudioFrame) {
		for _, f := range frames {
			_ = r.WriteAudio(f)
		}
	}
	changed := func(change func(*media.AccessUnit)) func(*Recorder) {
		return func(r *Recorder) {
			au := Video(1, 1)[0]
			change(au)
			video(r, au)
		}
	}
	changedAudio := func(change func(*media.AudioFrame)) func(*Recorder) {
		return func(r *Recorder) {
			f := AAC(1)[0]
			change(f)
			audio(r, f)
		}
	}
	cases := []struct {
		name string
		do   func(*Recorder)
		want string // part of the complaint; empty: none
	}{
		{"nothing", func(*Recorder) {}, ""},
		{"whole streams", func(r *Recorder) { video(r, Video(300, 50)...); audio(r, Opus(100)...); _ = r.Close() }, ""},
		{"B-frames", func(r *Recorder) { video(r, VideoStream{BFrames: true, GOP: 30, Slices: 4}.AccessUnits(100)...) }, ""},
		{"failure on demand", func(r *Recorder) { r.Fail(broken); video(r, Video(1, 1)...); _ = r.Close() }, ""},
		{"after failure", func(r *Recorder) { r.Fail(broken); video(r, Video(2, 1)...) }, "after a Write had failed"},
		{"video after close", func(r *Recorder) { _ = r.Close(); video(r, Video(1, 1)...) }, "WriteVideo was called after Close"},
		{"audio after close", func(r *Recorder) { _ = r.Close(); audio(r, AAC(1)...) }, "WriteAudio was called after Close"},
		{"close twice", func(r *Recorder) { _ = r.Close(); _ = r.Close() }, "twice"},
		{"same video frame twice", func(r *Recorder) { au := Video(1, 1); video(r, au...); video(r, au...) }, "not after the last one"},
		{"same audio frame twice", func(r *Recorder) { f := AAC(1); audio(r, f...); audio(r, f...) }, "not after the last one"},
		{"changed later", func(r *Recorder) { au := Video(1, 1); video(r, au...); au[0].NALUs[2][9]++; _ = r.Close() }, "was changed"},
		{"audio changed later", func(r *Recorder) { f := AAC(1); audio(r, f...); f[0].Data[0]++; _ = r.Close() }, "was changed"},
		{"no codec", changed(func(au *media.AccessUnit) { au.Codec = 0 }), "no codec"},
		{"PTS before DTS", changed(func(au *media.AccessUnit) { au.PTS = au.DTS - 1 }), "before DTS"},
		{"no parameter sets", changed(func(au *media.AccessUnit) { au.ParameterSets = nil }), "no parameter sets"},
		{"IDR without SPS", changed(func(au *media.AccessUnit) { au.NALUs = au.NALUs[2:] }), "begin with an SPS"},
		{"empty NAL unit", changed(func(au *media.AccessUnit) { au.NALUs[2] = nil }), "is empty"},
		{"no NAL unit", changed(func(au *media.AccessUnit) { au.NALUs, au.IDR = nil, false }), "no NAL unit"},
		{"delimiter", changed(func(au *media.AccessUnit) { au.NALUs = append(au.NALUs, []byte{9, 0xf0}) }), "delimiter"},
		{"IDR not marked", changed(func(au *media.AccessUnit) { au.IDR = false }), "IDR is false"},
		{"audio without codec", changedAudio(func(f *media.AudioFrame) { f.Codec = 0 }), "no codec"},
		{"audio without data", changedAudio(func(f *media.AudioFrame) { f.Data = nil }), "no data"},
		{"audio without duration", changedAudio(func(f *media.AudioFrame) { f.Duration = 0 }), "duration"},
		{"audio without config", changedAudio(func(f *media.AudioFrame) { f.Config = nil }), "no config"},
		{"concurrent video", func(r *Recorder) { r.videoBusy.Store(true); video(r, Video(1, 1)...) }, "another WriteVideo"},
		{"concurrent audio", func(r *Recorder) { r.audioBusy.Store(true); audio(r, AAC(1)...) }, "another WriteAudio"},
		{"close while writing", func(r *Recorder) { r.audioBusy.Store(true); _ = r.Close() }, "while a Write"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tb := &complaints{}
			c.do(NewRecorder(tb))
			if c.want == "" && len(tb.all) != 0 {
				t.Errorf("complaints %q, want none", tb.all)
			}
			if c.want != "" && !slices.ContainsFunc(tb.all, func(s string) bool { return strings.Contains(s, c.want) }) {
				t.Errorf("complaints %q, want one with %q", tb.all, c.want)
			}
		})
	}
}

func TestRecorderFails(t *testing.T) {
	broken := errors.New("broken")
	r := NewRecorder(t)
	r.Fail(broken)
	if err := r.WriteAudio(AAC(1)[0]); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	r.Fail(nil)
	if err := r.WriteVideo(Video(1, 1)[0]); err != nil {
		t.Errorf("error %v after Fail(nil)", err)
	}
	if len(r.Video()) != 1 || len(r.Audio()) != 0 {
		t.Errorf("%d video and %d audio frames kept, want 1 and 0", len(r.Video()), len(r.Audio()))
	}
}

func TestRecorderWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRecorder(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Wait(ctx, 1, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want a deadline", err)
		}
		done := make(chan error)
		go func() { done <- r.Wait(t.Context(), 2, 1) }()
		for _, au := range Video(2, 1) {
			_ = r.WriteVideo(au)
		}
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("Wait returned before the audio frame: %v", err)
		default:
		}
		_ = r.WriteAudio(AAC(1)[0])
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = r.Close()
		if err := r.Wait(t.Context(), 3, 0); err == nil || !r.Closed() {
			t.Errorf("error %v, closed %v after Close", err, r.Closed())
		}
	})
}
