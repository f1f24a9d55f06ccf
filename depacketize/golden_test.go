package depacketize

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// What a real encoder and muxer write, compared with what ffprobe reads.
func TestGolden(t *testing.T) {
	const bFrames = "-preset veryfast -bf 3 -x264-params b-pyramid=normal"
	cases := []struct {
		name, size, rate string
		video, audio     string // encoder options; empty: no such track
	}{
		// In the cases named "less …" the Demuxer takes something out.
		{"OBS", "1280x720", "30", bFrames + " -g 250", "-ar 48000 -ac 2"},
		{"1080p cropped", "1920x1080", "60", bFrames, "-ar 44100 -ac 2"},
		{"constrained baseline", "640x360", "25", "-profile:v baseline -tune zerolatency", "-ar 48000 -ac 1"},
		{"baseline, slices", "640x360", "25", "-profile:v baseline -bf 0 -slices 8", "-ar 22050 -ac 1"},
		{"main, odd crop", "326x246", "30000/1001", "-profile:v main -bf 2", "-ar 48000 -ac 6"},
		{"interlaced", "720x576", "25", "-flags +ildct+ilme -bf 2", "-ar 32000 -ac 2"},
		{"interlaced 1080i", "1920x1080", "30000/1001", "-x264-params tff=1 -preset ultrafast", "-ar 48000 -ac 2"},
		{"4:4:4, odd size", "320x240", "24", "-vf format=yuv444p,crop=319:239 -pix_fmt yuv444p -profile:v high444", ""},
		{"4:2:2", "322x242", "24", "-pix_fmt yuv422p -profile:v high422", ""},
		{"4:2:2 interlaced", "322x244", "25", "-pix_fmt yuv422p -profile:v high422 -flags +ildct+ilme", ""},
		{"10 bits", "320x240", "50", "-pix_fmt yuv420p10le -profile:v high10", ""},
		{"intra", "320x240", "10", "-g 1 -pix_fmt yuv420p10le -profile:v high10", ""},
		{"grey", "320x240", "5", "-pix_fmt gray", ""},
		{"scaling lists, HRD", "320x240", "15", "-x264-params cqm=jvt:nal-hrd=vbr:vbv-bufsize=1000:vbv-maxrate=1000 -b:v 500k", ""},
		{"less filler", "320x240", "15", "-x264-params nal-hrd=cbr:vbv-bufsize=1000:vbv-maxrate=1000 -b:v 1000k", ""},
		{"less delimiters", "320x240", "15", "-x264-params aud=1:repeat-headers=1", ""},
		{"audio only 96 kHz", "", "", "", "-ar 96000 -ac 2"},
		{"audio only 7.35 kHz", "", "", "", "-ar 7350 -ac 1"},
		{"audio only 7.1", "", "", "", "-ar 48000 -ac 8 -channel_layout 7.1"},
		{"audio only 4.0 (PCE)", "", "", "", "-ar 48000 -ac 4 -channel_layout quad"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "golden.flv")
			args := "-v error"
			if c.video != "" {
				args += " -f lavfi -i testsrc2=s=" + c.size + ":r=" + c.rate
			}
			if c.audio != "" {
				args += " -f lavfi -i sine=r=48000:b=4"
			}
			args += " -t 0.6"
			if c.video != "" {
				args += " -c:v libx264 -pix_fmt yuv420p -threads 1 " + c.video
			}
			if c.audio != "" {
				args += " -c:a aac " + c.audio
			}
			run(t, "ffmpeg", append(strings.Fields(args), path)...)
			checkGolden(t, path, strings.HasPrefix(c.name, "less"))
		})
	}
}

// What GStreamer 1.22's flvmux writes: delimiters and parameter sets in every
// IDR, DTS moved about. Its pipeline:
//
//	videotestsrc ! x264enc key-int-max=10 ! h264parse ! flvmux name=m ! filesink
//	audiotestsrc ! avenc_aac ! m.
func TestGStreamer(t *testing.T) {
	checkGolden(t, "testdata/gstreamer.flv", true)
}

// probe is what ffprobe says of a file.
type probe struct {
	Streams []struct {
		Type       string `json:"codec_type"`
		Profile    string
		Width      int
		Height     int
		Reorder    int    `json:"has_b_frames"`
		FrameRate  string `json:"avg_frame_rate"`
		SampleRate string `json:"sample_rate"`
		Channels   int
	}
	Packets []struct {
		Type     string `json:"codec_type"`
		PTS, DTS int
		Size     string
		Flags    string
	}
}

func checkGolden(t *testing.T, path string, less bool) {
	var want probe
	out := run(t, "ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_packets", path)
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, d := demux(t, readFLV(t, file))
	if d.Jumps() != 0 {
		t.Errorf("%d jumps", d.Jumps())
	}
	video, audio := r.Video(), r.Audio()
	base := clockStart - time.Duration(want.Packets[0].DTS)*time.Millisecond
	at := func(ms int) time.Duration { return base + time.Duration(ms)*time.Millisecond }
	for i, p := range want.Packets {
		size, _ := strconv.Atoi(p.Size)
		switch {
		case size == 0: // ffmpeg's end of the audio
		case p.Type == "video":
			if len(video) == 0 {
				t.Fatalf("packet %d: no access unit", i)
			}
			au := video[0]
			video = video[1:]
			late := au.DTS - at(p.DTS) // ticks, where several have the same DTS
			if au.PTS != at(p.PTS) || late < 0 || late > 3*tick || au.IDR != strings.HasPrefix(p.Flags, "K") ||
				less && sampleSize(au) > size || !less && sampleSize(au) != size {
				t.Errorf("packet %d: PTS %v DTS %v IDR %v size %d, ffprobe says %+v", i, au.PTS-base, au.DTS-base, au.IDR, sampleSize(au), p)
			}
		case p.Type == "audio":
			if len(audio) == 0 {
				t.Fatalf("packet %d: no audio frame", i)
			}
			f := audio[0]
			audio = audio[1:]
			if f.PTS != at(p.PTS) || len(f.Data) != size {
				t.Errorf("packet %d: PTS %v size %d, ffprobe says %+v", i, f.PTS-base, len(f.Data), p)
			}
		}
	}
	if len(video)+len(audio) != 0 {
		t.Errorf("%d access units and %d audio frames that ffprobe has not", len(video), len(audio))
	}
	checkStreams(t, want, r.Video(), r.Audio())
}

// sampleSize is the size of an access unit in the FLV file, less parameter
// sets and delimiter.
func sampleSize(au *media.AccessUnit) (n int) {
	for _, nalu := range au.NALUs {
		if typ := naluType(nalu); typ != naluSPS && typ != naluPPS {
			n += 4 + len(nalu)
		}
	}
	return n
}

func checkStreams(t *testing.T, want probe, video []*media.AccessUnit, audio []*media.AudioFrame) {
	for _, s := range want.Streams {
		switch s.Type {
		case "video":
			p := video[0].ParameterSets
			num, den, _ := strings.Cut(s.FrameRate, "/")
			n, _ := strconv.ParseFloat(num, 64)
			m, _ := strconv.ParseFloat(den, 64)
			if p.Width != s.Width || p.Height != s.Height || p.ReorderFrames != s.Reorder || p.FrameRate < n/m*.98 || p.FrameRate > n/m*1.02 {
				t.Errorf("%dx%d, %d reordered, %f fps; ffprobe says %+v", p.Width, p.Height, p.ReorderFrames, p.FrameRate, s)
			}
		case "audio":
			c := audio[0].Config
			if rate, _ := strconv.Atoi(s.SampleRate); c.SampleRate != rate || c.Channels != s.Channels || c.Profile != s.Profile {
				t.Errorf("%+v, ffprobe says %+v", c, s)
			}
			if len(audio) > 1 && audio[1].Config != c {
				t.Error("the configuration's pointer changes")
			}
		}
	}
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return out
}
