//go:build e2e

package e2e

import (
	"fmt"
	"os"
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

// What a viewer gets, as docs/publishers.md has it.
const (
	passed  = "as published"
	reenc   = "re-encoded to H.264"
	opus    = "Opus"
	refused = "refused"
	nothing = "–"
	asOpus  = "as published (Opus)"
	if422   = "as published, or a 422 that names it"
	late    = "as published, from 11 s on re-encoded to H.264"

	makeTest = "test"
	makeMore = "e2e-publishers"
)

// line is one of the table.
type line struct {
	publisher, video, sound string // what is sent
	pictures, heard         string // what a viewer gets
	target                  string // the make target that runs it
}

// row is a line and how it is run: by a test of its own, or by TestPublishers
// with a stream made here.
type row struct {
	line
	test   string
	custom *source.Custom
	tags   func(clip []rtmp.Tag) []rtmp.Tag // what becomes of a clip of 640x360, AAC 48 kHz
	want   want
}

// want is what a viewer must get of a row that TestPublishers runs.
type want struct {
	size    string        // of the pictures
	frames  int           // pictures, without a gap or a fault, that a decoder takes
	packets int           // sound
	said    string        // what a refused publisher is told
	within  time.Duration // default 20 s
}

const (
	plain  = "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 30"
	small  = "testsrc2=size=320x180:rate=30"
	tone   = "sine=frequency=440:sample_rate=48000"
	aac    = " -c:a aac -b:a 96k"
	stereo = aac + " -ac 2"
)

// rows are what publishers send.
var rows = []row{
	{line: line{"OBS 29 at its defaults", "H.264 with B-frames", "AAC", reenc, opus, "e2e-obs"}, test: "TestOBSDefaults"},
	{line: line{"OBS 29, bframes=0", "H.264", "AAC", passed, opus, "e2e-obs"}, test: "TestOBSPlays"},
	{line: line{"OBS 32 over RTMPS", "H.264 with B-frames", "AAC", reenc, opus, "e2e-obs-testing"}, test: "TestOBSTesting"},
	{line: line{"GStreamer rtmp2sink", "H.264", "AAC (avenc_aac, voaacenc)", passed, opus, makeTest}, test: "TestGStreamerPublishes"},
	{line: line{"ffmpeg over RTMPS", "H.264", "AAC", passed, opus, makeTest}, test: "TestRTMPS"},
	{line: line{"FFmpeg 9", "VP9", "Opus", passed, asOpus, "e2e-codecs"}, test: "TestCodecsInChromium"},
	{line: line{"FFmpeg 9", "AV1", "Opus", passed, asOpus, "e2e-codecs"}, test: "TestCodecsInChromium"},
	{line: line{"FFmpeg 9", "H.265", "Opus", if422, asOpus, "e2e-codecs"}, test: "TestH265"},
	{line: line{"recorded FFmpeg 9", "VP9, AV1, H.265", "Opus", if422, asOpus, makeTest}, test: "TestEnhancedRTMP"},
	{line: line{"FFmpeg 9 over WHIP", "H.264", "Opus", passed, asOpus, "e2e-whip"}, test: "TestWHIPOfFFmpeg"},
	{line: line{"GStreamer 1.28 over WHIP", "H.264", "Opus", passed, asOpus, "e2e-whip"}, test: "TestWHIPOfGStreamer"},
	{line: line{"Chromium by the page /publish", "H.264", "Opus", passed, asOpus, makeTest}, test: "TestBrowserGoesLive"},
	{line: line{"pion over WHIP", "H.264 with B-frames, pyramid", "none", reenc, nothing, makeTest}, test: "TestWHIPBFrames"},
	{line: line{"ffmpeg", "H.264 with B-frames, pyramid", "AAC", reenc, opus, makeTest}, test: "TestBFramesPlay"},

	{line: line{"ffmpeg", "H.264 baseline", "AAC", passed, opus, makeMore}, custom: &source.Custom{Video: small, Audio: tone, Options: plain + " -profile:v baseline" + stereo}, want: want{size: "320x180", frames: 60, packets: 60}},
	{line: line{"ffmpeg", "H.264 high, x264 medium without B-frames", "AAC", passed, opus, makeMore}, custom: &source.Custom{Video: small, Audio: tone, Options: "-c:v libx264 -preset medium -profile:v high -bf 0 -g 30 -pix_fmt yuv420p" + stereo}, want: want{size: "320x180", frames: 60, packets: 60}},
	{line: line{"ffmpeg", "H.264, 2 B-frames, open GOP", "AAC", reenc, opus, makeMore}, custom: &source.Custom{Video: small, Audio: tone, Options: "-c:v libx264 -preset ultrafast -bf 2 -g 30 -pix_fmt yuv420p -x264-params open-gop=1:b-adapt=0" + stereo}, want: want{size: "320x180", frames: 150, packets: 60}},
	{line: line{"ffmpeg", "H.264, 10 bit", "AAC", reenc, opus, makeMore}, custom: &source.Custom{Video: small, Audio: tone, Options: strings.Replace(plain, "yuv420p", "yuv420p10le", 1) + stereo}, want: want{size: "320x180", frames: 60, packets: 60}},
	{line: line{"ffmpeg", "H.264, 4:2:2", "AAC", reenc, opus, makeMore}, custom: &source.Custom{Video: small, Audio: tone, Options: strings.Replace(plain, "yuv420p", "yuv422p", 1) + stereo}, want: want{size: "320x180", frames: 60, packets: 60}},
	{line: line{"ffmpeg", "H.264 with intra refresh: one keyframe", "AAC", late, opus, makeMore}, test: "TestPublishersIntraRefresh"},
	{line: line{"ffmpeg", "H.264, interlaced", "AAC", passed, opus, makeMore}, custom: &source.Custom{Video: small, Audio: tone, Options: plain + " -flags +ilme+ildct -x264-params interlaced=1" + stereo}, want: want{size: "320x180", frames: 60, packets: 60}},
	{line: line{"ffmpeg", "H.264 in slices", "AAC", passed, opus, makeMore}, custom: &source.Custom{Video: small, Audio: tone, Options: plain + " -slices 8" + stereo}, want: want{size: "320x180", frames: 60, packets: 60}},
	{line: line{"ffmpeg", "H.264, 1 picture a second", "AAC", passed, opus, makeTest}, custom: &source.Custom{Video: "testsrc2=size=320x180:rate=1", Audio: tone, Options: plain + " -g 4" + stereo}, want: want{size: "320x180", frames: 6, packets: 100}},
	{line: line{"ffmpeg", "H.264, 120 pictures a second", "AAC", passed, opus, makeMore}, custom: &source.Custom{Video: "testsrc2=size=320x180:rate=120", Audio: tone, Options: plain + " -g 120" + stereo}, want: want{size: "320x180", frames: 240, packets: 60}},
	{line: line{"ffmpeg", "H.264, 3840x2160", "AAC", passed, opus, makeMore}, custom: &source.Custom{Video: "testsrc2=size=3840x2160:rate=5", Audio: tone, Options: plain + " -g 5" + stereo}, want: want{size: "3840x2160", frames: 10, packets: 60, within: time.Minute}},
	{line: line{"ffmpeg", "H.264, 322x182", "AAC", passed, opus, makeMore}, custom: &source.Custom{Video: "testsrc2=size=322x182:rate=30", Audio: tone, Options: plain + stereo}, want: want{size: "322x182", frames: 60, packets: 60}},

	{line: line{"ffmpeg", "none", "AAC", nothing, opus, makeTest}, custom: &source.Custom{Video: "", Audio: tone, Options: stereo}, want: want{packets: 100}},
	{line: line{"ffmpeg", "H.264", "none", passed, nothing, makeTest}, custom: &source.Custom{Video: small, Audio: "", Options: plain}, want: want{size: "320x180", frames: 60}},
	{line: line{"ffmpeg", "H.264", "AAC 44.1 kHz", passed, opus, makeTest}, custom: &source.Custom{Video: small, Audio: "sine=frequency=440:sample_rate=44100", Options: plain + stereo}, want: want{size: "320x180", frames: 60, packets: 100}},
	{line: line{"ffmpeg", "H.264", "AAC 22.05 kHz, mono", passed, opus, makeMore}, custom: &source.Custom{Video: small, Audio: "sine=frequency=440:sample_rate=22050", Options: plain + aac}, want: want{size: "320x180", frames: 60, packets: 100}},
	{line: line{"ffmpeg", "H.264", "AAC 5.1", passed, opus, makeTest}, custom: &source.Custom{Video: small, Audio: "sine=frequency=440:sample_rate=48000,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0", Options: plain + aac}, want: want{size: "320x180", frames: 60, packets: 100}},
	{line: line{"ffmpeg", "H.264", "MP3", passed, opus, makeTest}, custom: &source.Custom{Video: small, Audio: "sine=frequency=440:sample_rate=44100", Options: plain + " -c:a libmp3lame -ac 2"}, want: want{size: "320x180", frames: 60, packets: 100}},
	{line: line{"ffmpeg", "H.264", "PCM", refused, refused, makeTest}, custom: &source.Custom{Video: small, Audio: "sine=frequency=440:sample_rate=44100", Options: plain + " -c:a pcm_s16le"}, want: want{said: "PCM"}},
	{line: line{"ffmpeg", "Sorenson H.263", "AAC", refused, refused, makeMore}, custom: &source.Custom{Video: "testsrc2=size=352x288:rate=30", Audio: tone, Options: "-c:v flv1" + stereo}, want: want{said: "H.263"}},

	{line: line{"any", "H.264, no metadata", "AAC", passed, opus, makeMore}, tags: func(c []rtmp.Tag) []rtmp.Tag { return without(c, rtmp.Script) }, want: want{size: "640x360", frames: 60, packets: 60}},
	{line: line{"any", "H.264, times that begin at 13 h", "AAC", passed, opus, makeMore}, tags: func(c []rtmp.Tag) []rtmp.Tag { return shift(c, 13*3600_000) }, want: want{size: "640x360", frames: 60, packets: 60}},
	{line: line{"any", "H.264, times that wrap", "AAC", passed, opus, makeTest}, tags: func(c []rtmp.Tag) []rtmp.Tag { return shift(c, 0xffffffff-3000) }, want: want{size: "640x360", frames: 120, packets: 100}},
	{line: line{"any", "H.264, times that jump by 5 h", "AAC", passed, opus, makeTest}, tags: func(c []rtmp.Tag) []rtmp.Tag { return after(c, 3000, 5*3600_000) }, want: want{size: "640x360", frames: 120, packets: 100}},
	{line: line{"any", "H.264, times that go back by 2 h", "AAC", passed, opus, makeMore}, tags: func(c []rtmp.Tag) []rtmp.Tag { return after(shift(c, 3*3600_000), 3*3600_000+3000, -2*3600_000) }, want: want{size: "640x360", frames: 120, packets: 100}},
	{line: line{"any", "H.264, another size mid-stream", "AAC", passed, opus, makeTest}, test: "TestReconnects"},
}

// TestPublishers runs the rows that no other test runs: of make test, or all
// with PUBLISHERS=all.
func TestPublishers(t *testing.T) {
	t.Parallel() // with the tests that only wait
	s := server.Start(t)
	file := filepath.Join(t.TempDir(), "clip.flv")
	source.FFmpeg{}.Encode(t, file, 20*time.Second)
	clip, err := rtmp.ReadFLV(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if r.test != "" || r.target != makeTest && os.Getenv("PUBLISHERS") != "all" {
			continue
		}
		t.Run(r.video+" and "+r.sound, func(t *testing.T) {
			t.Parallel()
			key := fmt.Sprintf("row%d", i)
			if r.want.said != "" {
				checkRefused(t, s, r, key)
				return
			}
			if r.custom != nil {
				r.custom.Publish(t, s.Publish("live/"+key))
			} else {
				publishTags(t, s, key, r.tags(clip))
			}
			checkRow(t, s, r, "live/"+key)
		})
	}
}

func publishTags(t *testing.T, s *server.Server, key string, tags []rtmp.Tag) {
	t.Helper()
	p, err := rtmp.Publish(s.RTMP, "live", key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	go func() { _ = p.Play(t.Context(), tags, nil) }()
}

func checkRefused(t *testing.T, s *server.Server, r row, key string) {
	t.Helper()
	p := r.custom.Publish(t, s.Publish("live/"+key))
	if err := p.Wait(20 * time.Second); err == nil {
		t.Error("ffmpeg ended without an error")
	}
	if !strings.Contains(s.Output(), r.want.said) {
		t.Errorf("the log does not say %q", r.want.said)
	}
}

// checkRow holds what a viewer gets against the row.
func checkRow(t *testing.T, s *server.Server, r row, stream string) {
	t.Helper()
	within := max(r.want.within, 20*time.Second)
	await.Success(t, within, func() error {
		found, err := s.Stream(stream)
		if err == nil && (!found.Live || r.want.size != "" && found.Video == nil || r.want.packets > 0 && found.Audio == nil) {
			err = fmt.Errorf("%s is not live: %+v", stream, found)
		}
		return err
	})
	if r.want.size != "" {
		if err := shows(s, stream, r.want.size); err != nil {
			t.Error(err)
		}
	}
	v := viewer.Join(t, s.WHEP(stream))
	v.Video.Keep()
	await.Success(t, within, func() error { return moving(v.Video, r.want.frames) })
	await.Success(t, within, func() error { return moving(v.Audio, r.want.packets) })
	if err := v.Faults(); err != nil {
		t.Error(err)
	}
	if found, err := s.Stream(stream); err != nil || r.want.size != "" && (found.Video.Treatment == "re-encoded") != (r.pictures == reenc) {
		t.Errorf("the stream list says %+v of it, %v", found.Video, err)
	}
	if r.want.frames > 0 {
		checkVideo(t, v)
	}
	if n := s.Scrape().Sum("sluice_egress_dropped_frames_total", server.Label("stream", stream)); n != 0 {
		t.Errorf("%v frames were dropped", n)
	}
}

func without(tags []rtmp.Tag, kind byte) []rtmp.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t rtmp.Tag) bool { return t.Type == kind })
}

// after moves the timestamps from one on by a difference.
func after(tags []rtmp.Tag, from uint32, by int32) []rtmp.Tag {
	tags = slices.Clone(tags)
	for i := range tags {
		if tags[i].Timestamp >= from {
			tags[i].Timestamp += uint32(by)
		}
	}
	return tags
}

// TestPublishersTable: docs/publishers.md has the rows that are run, and each
// is run. UPDATE=1 go test -tags e2e -run TestPublishersTable ./e2e renews it.
func TestPublishersTable(t *testing.T) {
	const file, begin, end = "../docs/publishers.md", "<!-- rows -->\n", "<!-- end of rows -->\n"
	var table strings.Builder
	table.WriteString("| publisher | picture | sound | a viewer sees | and hears | shown by |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | `make %s` |\n", r.publisher, r.video, r.sound, r.pictures, r.heard, r.target)
		if r.test != "" && !exists(t, r.test) {
			t.Errorf("there is no %s", r.test)
		}
		if (r.test == "") == (r.custom == nil && r.tags == nil) {
			t.Errorf("%+v is run by no test, or by two", r.line)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, opened := strings.Cut(string(text), begin)
	got, behind, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatalf("%s has no table between %q and %q", file, begin, end)
	}
	if got == table.String() {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("the table in %s is not that of the tests:\n%s", file, &table)
	}
	if err := os.WriteFile(file, []byte(before+begin+table.String()+end+behind), 0o600); err != nil {
		t.Fatal(err)
	}
}

// exists says whether a test of this package has a name, whatever its tags.
func exists(t *testing.T, name string) bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(text), "func "+name+"(t *testing.T)")
	})
}
