//go:build e2e

package e2e

import (
	"context"
	"maps"
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
	video, audio := damage(tags, 3000, 6000)
	if len(video) < 3 || audio < 3 {
		t.Fatalf("damaged only %d video and %d audio tags", len(video), audio)
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
	for kind, want := range map[string]int{"video": len(video), "audio": audio} {
		if got := m.Sum("sluice_ingest_corrupt_tags_total", server.Label("kind", kind)); int(got) != want {
			t.Errorf("%v corrupt %s tags counted, %d sent", got, kind, want)
		}
	}
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	checkVideo(t, v)
	checkSkipped(t, tags, video, v.Video.Packets())
}

// checkSkipped compares the frames that came with those that should have: all
// but the damaged ones and the rest of their GOPs.
func checkSkipped(t *testing.T, tags []rtmp.Tag, damaged map[uint32]bool, packets []viewer.Packet) {
	t.Helper()
	const ticks = 90      // of RTP a millisecond
	const settled = 2_500 // milliseconds: the join is over, the damage yet to come
	want := map[uint32]bool{}
	last, decodable := uint32(0), true
	for _, tag := range tags {
		if tag.Type != rtmp.Video || !tag.Frame() {
			continue
		}
		decodable = tag.Keyframe() || decodable && !damaged[tag.Timestamp]
		if decodable && tag.Timestamp > settled {
			want[tag.Timestamp] = true
			last = tag.Timestamp
		}
	}
	end := packets[len(packets)-1].Timestamp
	for _, p := range packets {
		at := last - (end-p.Timestamp)/ticks
		if p.Marker && at > settled && !want[at] {
			t.Errorf("the frame at %d ms came, which cannot be decoded", at)
		}
		if p.Marker {
			delete(want, at)
		}
	}
	if len(want) > 0 {
		t.Errorf("%d frames did not come: %v", len(want), slices.Sorted(maps.Keys(want)))
	}
}

// damage spoils a video and an audio tag in each second from one time to
// another, in milliseconds, in turn in every way that a parser can notice. It
// returns the timestamps of the video tags and the number of audio tags.
func damage(tags []rtmp.Tag, from, to uint32) (video map[uint32]bool, audio int) {
	video = map[uint32]bool{}
	next := map[byte]uint32{rtmp.Video: from + 500, rtmp.Audio: from + 250}
	for i, tag := range tags {
		due, ok := next[tag.Type]
		if !ok || tag.Timestamp < due || tag.Timestamp > to || tag.Keyframe() || !tag.Frame() {
			continue
		}
		next[tag.Type] += 1000
		if tag.Type == rtmp.Audio {
			tags[i].Body = tag.Body[:1] // without the AACPacketType
			audio++
			continue
		}
		switch len(video) % 3 {
		case 0:
			tags[i].Body = tag.Body[:3] // ends within the composition time
		case 1:
			tags[i].Body = tag.Body[:len(tag.Body)-1] // ends within a NAL unit
		case 2:
			copy(tag.Body[5:], "\xff\xff\xff\xff") // the length of the first
		}
		video[tag.Timestamp] = true
	}
	return video, audio
}
