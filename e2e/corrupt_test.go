//go:build e2e

package e2e

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestCorruptTags damages tags in the middle of a stream: each is counted and
// skipped, video resumes at the next keyframe, and what viewers get can be
// decoded throughout.
func TestCorruptTags(t *testing.T) {
	const stream = "live/corrupt"
	file := filepath.Join(t.TempDir(), "clip.flv")
	source.FFmpeg{GOP: 30}.Encode(t, file, 9*time.Second)
	tags, err := rtmp.ReadFLV(file)
	if err != nil {
		t.Fatal(err)
	}
	damageFrom, damageTo := uint32(3000), uint32(6000) // milliseconds
	video, audio := damage(tags, damageFrom, damageTo)
	if video < 3 || audio < 3 {
		t.Fatalf("damaged only %d video and %d audio tags", video, audio)
	}

	s := server.Start(t)
	publisher, err := rtmp.Publish(s.RTMP, "live", "corrupt")
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	played := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { played <- publisher.Play(ctx, tags, nil) }()

	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Video.Keep()
	if err := <-played; err != nil {
		t.Fatalf("publishing: %v", err)
	}
	m := s.Scrape()
	for kind, want := range map[string]int{"video": video, "audio": audio} {
		if got := m.Sum("sluice_ingest_corrupt_tags_total", server.Label("kind", kind)); int(got) != want {
			t.Errorf("%v corrupt %s tags counted, %d sent", got, kind, want)
		}
	}
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	checkVideo(t, v)
	// The damage is in the middle of GOPs of one second: each costs the rest
	// of its GOP, and nothing of those after it.
	const frames = 9*30 - 3*30
	if got := v.Video.Stats().Frames; got < frames-5 {
		t.Errorf("viewer got %d frames, want %d at least", got, frames)
	}
	if step := v.Video.Stats().Step; step > time.Second {
		t.Errorf("video was away for %v", step)
	}
}

// damage spoils a video and an audio tag in each second of a time, in turn in
// every way that a parser can notice, and counts them.
func damage(tags []rtmp.Tag, from, to uint32) (video, audio int) {
	next := map[byte]uint32{rtmp.Video: from + 500, rtmp.Audio: from + 250}
	for i, tag := range tags {
		due, ok := next[tag.Type]
		if !ok || tag.Timestamp < due || tag.Timestamp > to || tag.Keyframe() || !tag.Frame() {
			continue
		}
		next[tag.Type] += 1000
		body := slices.Clone(tag.Body)
		if tag.Type == rtmp.Audio {
			body = body[:1] // without the AACPacketType
			audio++
		} else {
			switch video % 3 {
			case 0:
				body = body[:3] // within the composition time
			case 1:
				body = body[:len(body)-1] // the last NAL unit is cut off
			case 2:
				copy(body[5:], "\xff\xff\xff\xff") // the first NAL unit's length
			}
			video++
		}
		tags[i].Body = body
	}
	return video, audio
}
