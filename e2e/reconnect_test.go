//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestReconnects: whatever a publisher is when it comes back, the sessions of
// its viewers go on, with continuous numbers and times, and what they get can
// be decoded.
func TestReconnects(t *testing.T) {
	t.Parallel() // with the tests that only wait
	const stream = "live/back"
	large := clip(t, source.FFmpeg{Width: 640, Height: 360, FrameRate: 30})
	small := clip(t, source.FFmpeg{Width: 320, Height: 180, FrameRate: 15, SampleRate: 44100, Channels: 1})
	s := server.Start(t)

	first := play(t, s, large)
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Video.Keep()
	v.Playing(30)

	var late *viewer.Viewer // who joins before there is sound
	for _, c := range []struct {
		name string
		tags []rtmp.Tag
		size string
		mute bool
	}{
		{"smaller, slower and in mono", small, "320x180", false},
		{"times from an hour", shift(large, 3_600_000), "640x360", false},
		{"without sound", only(small, rtmp.Video), "320x180", true},
		{"with sound again", large, "640x360", false},
		{"one connection, another encoder run", slices.Concat(small[:len(small)/4], large), "640x360", false},
	} {
		t.Log(c.name)
		first.Close()
		s.WaitOffline(stream)
		first = play(t, s, c.tags)
		await.Success(t, 20*time.Second, func() error { return shows(s, stream, c.size) })
		if c.mute {
			late = viewer.Join(t, s.WHEP(stream))
		}
		pictures, sound := v.Video.Stats().Frames+30, v.Audio.Stats().Frames+30
		await.Success(t, 20*time.Second, func() error { return moving(v.Video, pictures) })
		if !c.mute {
			await.Success(t, 20*time.Second, func() error { return moving(v.Audio, sound) })
		}
	}
	first.Close()
	if err := moving(late.Audio, 30); err != nil {
		t.Error("who joined before there was sound: ", err)
	}
	if err := late.Faults(); err != nil {
		t.Error(err)
	}
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	checkRuns(t, v)
	checkTempo(t, v)
	if m := s.Scrape(); m.Sum("sluice_whep_sessions_ended_total") != 0 {
		t.Errorf("sessions ended:\n%s", m.List("sluice_whep_sessions_ended_total"))
	}
}

// TestSilentHolder: a publisher whose connection died without a word does not
// keep the name from itself.
func TestSilentHolder(t *testing.T) {
	t.Parallel() // with the tests that only wait
	const stream = "live/back"
	tags := clip(t, source.FFmpeg{})
	s := server.Start(t)
	dead := publish(t, s)
	go func() { _ = dead.Play(t.Context(), tags[:len(tags)/4], nil) }() // then silence on an open socket
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Playing(20)
	await.Success(t, 10*time.Second, func() error {
		if quiet := v.Video.Stats().Silence; quiet < time.Second {
			return fmt.Errorf("the first publisher is not silent: %v", quiet)
		}
		return nil
	})

	start := time.Now()
	play(t, s, tags)
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("let in after %v", took)
	}
	v.Playing(30)
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.Output(), "another publisher took over") {
		t.Error("the log does not tell of it")
	}
}

// TestTakeOver: with --take-over=replace a newcomer takes the name of a living
// publisher, and viewers see one stream.
func TestTakeOver(t *testing.T) {
	t.Parallel() // with the tests that only wait
	const stream = "live/back"
	s := server.Start(t, "--take-over", "replace")
	first := source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Playing(30)
	source.FFmpeg{Width: 320, Height: 180}.Publish(t, s.Publish(stream))
	await.Success(t, 10*time.Second, func() error { return shows(s, stream, "320x180") })
	if err := first.Wait(10 * time.Second); err == nil {
		t.Error("the first publisher ended without an error")
	}
	v.Playing(60)
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
}

// clip returns the tags of 15 s.
func clip(t *testing.T, f source.FFmpeg) []rtmp.Tag {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clip.flv")
	f.Encode(t, file, 15*time.Second)
	tags, err := rtmp.ReadFLV(file)
	if err != nil {
		t.Fatal(err)
	}
	return tags
}

func publish(t *testing.T, s *server.Server) *rtmp.Publisher {
	t.Helper()
	p, err := rtmp.Publish(s.RTMP, "live", "back")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// play publishes tags in the background, until the publisher is closed.
func play(t *testing.T, s *server.Server, tags []rtmp.Tag) *rtmp.Publisher {
	t.Helper()
	p := publish(t, s)
	go func() { _ = p.Play(context.Background(), tags, nil) }()
	return p
}

func shift(tags []rtmp.Tag, ms uint32) []rtmp.Tag {
	tags = slices.Clone(tags)
	for i := range tags {
		tags[i].Timestamp += ms
	}
	return tags
}

func only(tags []rtmp.Tag, kind byte) []rtmp.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t rtmp.Tag) bool { return t.Type != kind })
}

// moving returns nil when a track has had n frames.
func moving(track *viewer.Track, n int) error {
	if got := track.Stats().Frames; got < n {
		return fmt.Errorf("%d frames, want %d", got, n)
	}
	return nil
}

// shows returns nil when a stream has pictures of a size.
func shows(s *server.Server, stream, size string) error {
	found, err := s.Stream(stream)
	if err != nil {
		return err
	}
	if found.Video == nil || fmt.Sprintf("%dx%d", found.Video.Width, found.Video.Height) != size {
		return fmt.Errorf("not %s: %+v", size, found)
	}
	return nil
}

// checkRuns decodes what came between two changes of the parameter sets; the
// first access unit after a change must be one that decoding can begin at.
func checkRuns(t *testing.T, v *viewer.Viewer) {
	t.Helper()
	units, err := viewer.AccessUnits(v.Video.Packets())
	if err != nil {
		t.Fatal(err)
	}
	units = units[max(0, slices.IndexFunc(units, viewer.AccessUnit.IDR)):]
	runs := 0
	for len(units) > 0 {
		n := 1
		for n < len(units) && (!units[n].IDR() || bytes.Equal(units[n].SPS(), units[0].SPS())) {
			n++
		}
		if err := units[0].CheckParameterSets(); err != nil {
			t.Error(err)
		}
		if _, err := viewer.Luma(units[:n]); err != nil {
			t.Errorf("run %d: %v", runs, err)
		}
		units = units[n:]
		runs++
	}
	if runs < 6 {
		t.Errorf("the parameter sets changed %d times, want 6", runs)
	}
}

// checkTempo compares the time that the pictures say has passed with the
// clock's, over everything kept.
func checkTempo(t *testing.T, v *viewer.Viewer) {
	t.Helper()
	const ticks = 90 // of RTP a millisecond
	packets := v.Video.Packets()
	a, b := packets[0], packets[len(packets)-1]
	said := time.Duration(b.Timestamp-a.Timestamp) / ticks * time.Millisecond
	passed := b.Arrival.Sub(a.Arrival)
	t.Logf("%v of pictures in %v", said, passed)
	if diff := said - passed; diff.Abs() > 1500*time.Millisecond {
		t.Errorf("the pictures' clock is %v off after %v", diff, passed)
	}
}
