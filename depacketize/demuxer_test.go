package depacketize

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// The parameter sets of the cases: x264's, and others with the same ids.
const (
	spsA = "6742c01fda014016ec0440000003004000000f23c60ca8" // 1280x720
	spsB = "6742c01ed900a02ff97011000003000100000300320f162e48"
	ppsA = "68ce0fc8"
	ppsB = "68cb83cb20"
	pps1 = "6858" // id 1
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// record makes a sequence header tag of parameter sets.
func record(lengthSize int, sets ...string) []byte {
	body := []byte{0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1f, 0xfc | byte(lengthSize-1)}
	for _, typ := range []byte{naluSPS, naluPPS} {
		var n byte
		var list []byte
		for _, s := range sets {
			if b := unhex(s); naluType(b) == typ {
				n++
				list = append(append(list, 0, byte(len(b))), b...)
			}
		}
		body = append(append(body, n), list...)
	}
	return body
}

// unit makes a NAL unit tag with 4-byte lengths.
func unit(nalus ...string) []byte {
	body := []byte{0x27, 1, 0, 0, 0}
	for _, n := range nalus {
		b := unhex(n)
		body = append(append(body, 0, 0, 0, byte(len(b))), b...)
	}
	return body
}

// TestVideo runs tags through a Demuxer and looks at the NAL units that come
// out: "S" and "P" for parameter sets A, "s" and "p" for B, "1" for pps1, and
// the type in brackets for others. An access unit per word; "!" for a tag that
// is corrupt.
func TestVideo(t *testing.T) {
	const idr, slice, sei = "65888421", "419a21", "0605ff80"
	cases := []struct {
		name string
		tags [][]byte
		want string
	}{
		{"usual", [][]byte{record(4, spsA, ppsA), unit(sei, idr), unit(slice), unit(slice)}, "SP(6)(5) (1) (1)"},
		{"record again", [][]byte{record(4, spsA, ppsA), unit(idr), record(4, spsA, ppsA), unit(idr)}, "SP(5) SP(5)"},
		{"several sets", [][]byte{record(4, spsA, ppsA, pps1), unit(idr)}, "SP1(5)"},
		{"nothing before the record", [][]byte{unit(idr), record(4, spsA, ppsA), unit(slice), unit(idr)}, "SP(5)"},
		{"nothing before the first IDR", [][]byte{record(4, spsA, ppsA), unit(slice), unit(sei, slice), unit(idr), unit(slice)}, "SP(5) (1)"},
		{"FLV's flag does not make an IDR", [][]byte{record(4, spsA, ppsA), append([]byte{0x17}, unit(slice)[1:]...), unit(idr)}, "SP(5)"},
		{"GStreamer: all in band", [][]byte{record(4, spsA, ppsA), unit("09f0", spsA, ppsA, sei, idr), unit("09f0", slice), unit("09f0", spsA, ppsA, idr)}, "SP(6)(5) (1) SP(5)"},
		{"in band alone", [][]byte{record(4), unit(idr), unit(spsA, ppsA, idr), unit(slice)}, "SP(5) (1)"},
		{"in band twice", [][]byte{record(4), unit(spsA, ppsA, spsA, ppsA, idr)}, "SP(5)"},
		{"in a message of their own", [][]byte{record(4), unit("09f0", spsA, ppsA), unit(idr), unit(sei)}, "SP(5)"},
		{"one message each", [][]byte{record(4), unit(spsA), unit(idr), unit(ppsA), unit(idr)}, "SP(5)"},
		{"in band wins over the record", [][]byte{record(4, spsA, ppsA, pps1), unit(spsB, ppsB, idr), unit(idr)}, "sp(5) sp(5)"},
		{"PPS alone is added", [][]byte{record(4, spsA, ppsA), unit(pps1, idr), unit(ppsB, idr)}, "SP1(5) Sp1(5)"},
		{"record without sets", [][]byte{record(4, spsA, ppsA), unit(idr), record(4), unit(idr)}, "SP(5) SP(5)"},
		{"new record", [][]byte{record(4, spsA, ppsA), unit(idr), record(4, spsB, ppsB), unit(idr)}, "SP(5) sp(5)"},
		{"new PPS between pictures stays in place", [][]byte{record(4, spsA, ppsA), unit(idr), unit(sei, ppsB, slice), unit(ppsB, slice), unit(idr)}, "SP(5) (6)p(1) (1) Sp(5)"},
		{"removed", [][]byte{record(4, spsA, ppsA), unit("09f0", idr, "0a", "0b", "0cff80"), unit("00aa", slice, "18aa", "1faa")}, "SP(5) (1)"},
		{"kept", [][]byte{record(4, spsA, ppsA), unit(idr, "0daa", "0eaa", "13aa", "14aa", "17aa"), unit("22aa", "23aa", "24aa")}, "SP(5)(13)(14)(19)(20)(23) (2)(3)(4)"},
		{"empty access units", [][]byte{record(4, spsA, ppsA), unit(idr), unit(), unit("09f0"), unit("0cff80"), unit(sei), unit(slice)}, "SP(5) (1)"},
		{"DJI: NAL units of zero length", [][]byte{record(4, spsA, ppsA), unit("", idr, ""), unit("", slice)}, "SP(5) (1)"},
		{"zeros alone", [][]byte{record(4, spsA, ppsA), unit(idr), unit("", ""), unit(slice), unit(idr)}, "SP(5) ! SP(5)"},
		{"end of sequence", [][]byte{record(4, spsA, ppsA), unit(idr), {0x17, 2, 0, 0, 0}, unit(slice)}, "SP(5) (1)"},
		{"too long, goes on at the IDR", [][]byte{record(4, spsA, ppsA), unit(idr), {0x27, 1, 0, 0, 0, 0, 0, 0, 9, 0x41}, unit(slice), unit(idr), unit(slice)}, "SP(5) ! SP(5) (1)"},
		{"cut length", [][]byte{record(4, spsA, ppsA), unit(idr), append(unit(slice), 0, 0), unit(slice), unit(idr)}, "SP(5) ! SP(5)"},
		{"forbidden bit", [][]byte{record(4, spsA, ppsA), unit(idr), unit("c19a"), unit(slice), unit(idr)}, "SP(5) ! SP(5)"},
		{"corrupt SPS in band", [][]byte{record(4, spsA, ppsA), unit(idr), unit("6742c0", idr), unit(slice), unit(idr)}, "SP(5) ! SP(5)"},
		{"corrupt PPS in band", [][]byte{record(4, spsA, ppsA), unit(idr), unit("68", idr), unit(slice), unit(idr)}, "SP(5) ! SP(5)"},
		{"corrupt record", [][]byte{record(4, spsA, ppsA), unit(idr), record(3, spsA, ppsA), unit(slice), unit(idr)}, "SP(5) ! SP(5)"},
		{"corrupt tag", [][]byte{record(4, spsA, ppsA), unit(idr), {0x27}, unit(slice), unit(idr)}, "SP(5) ! SP(5)"},
		{"incomplete record mid-stream", [][]byte{record(4, spsA, ppsA), unit(idr), record(4, spsB), unit(idr), unit(slice), unit(ppsB, idr)}, "SP(5) sp(5)"},
		{"lengths of 2 bytes", [][]byte{record(2, spsA, ppsA), {0x17, 1, 0, 0, 0, 0, 2, 0x65, 0x88, 0, 1, 0x06}}, "SP(5)(6)"},
		{"lengths of 1 byte", [][]byte{record(1, spsA, ppsA), {0x17, 1, 0, 0, 0, 2, 0x65, 0x88, 1, 0x06}}, "SP(5)(6)"},
		{"enhanced", [][]byte{append([]byte("\x90avc1"), record(4, spsA, ppsA)[5:]...), append([]byte("\x93avc1"), unit(idr)[5:]...)}, "SP(5)"},
		{"many slices", [][]byte{record(4, spsA, ppsA), unit(slices.Repeat([]string{idr}, 135)...)}, "SP" + strings.Repeat("(5)", 135)},
		{"too many NAL units", [][]byte{record(4, spsA, ppsA), unit(slices.Repeat([]string{idr}, 513)...)}, "!"},
		{"too many parameter sets", [][]byte{record(4, spsA, ppsA), unit(idr), unit(longSets()...), unit(slice), unit(idr)}, "SP(5) ! SP(5)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := mediatest.NewRecorder(t)
			d := NewDemuxer(r)
			var got []string
			for i, tag := range c.tags {
				n := len(r.Video())
				err := d.Video(uint32(i*40), tag, time.Unix(0, int64(i)*40e6))
				if err != nil && !errors.Is(err, ErrCorrupt) {
					t.Fatal(err)
				}
				if err != nil {
					got = append(got, "!")
				}
				for _, au := range r.Video()[n:] {
					got = append(got, spell(au))
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
			_ = r.Close()
		})
	}
}

// longSets are PPS of different ids that are too large together.
func longSets() (sets []string) {
	for id := range uint32(80) {
		w := (&bitWriter{}).u(8, 0x68).ue(id)
		sets = append(sets, hex.EncodeToString(append(w.data, make([]byte, 240)...)))
	}
	return sets
}

func spell(au *media.AccessUnit) (s string) {
	names := map[string]string{spsA: "S", spsB: "s", ppsA: "P", ppsB: "p", pps1: "1"}
	for _, n := range au.NALUs {
		if name, ok := names[hex.EncodeToString(n)]; ok {
			s += name
		} else {
			s += fmt.Sprintf("(%d)", naluType(n))
		}
	}
	return s
}

// The parameter sets' pointer changes when they do, and only then, and they
// are no part of the messages.
func TestParameterSets(t *testing.T) {
	r := mediatest.NewRecorder(t)
	d := NewDemuxer(r)
	first := record(4, spsA, ppsA)
	for i, tag := range [][]byte{first, unit("65"), record(4, spsA, ppsA), unit("65"), unit(spsA, ppsA, "65"), unit("41"), unit(spsB, ppsA, "65"), unit("41")} {
		if err := d.Video(uint32(i*40), tag, time.Unix(0, int64(i)*40e6)); err != nil {
			t.Fatal(err)
		}
	}
	clear(first)
	units := r.Video()
	var changes []int
	for i, au := range units[1:] {
		if au.ParameterSets != units[i].ParameterSets {
			changes = append(changes, i+1)
		}
	}
	if !reflect.DeepEqual(changes, []int{4}) {
		t.Errorf("parameter sets change at %v of %d access units, want at 4", changes, len(units))
	}
	want := &media.ParameterSets{
		SPS: [][]byte{unhex(spsA)}, PPS: [][]byte{unhex(ppsA)}, ProfileLevelID: [3]byte{0x42, 0xc0, 0x1f},
		Width: 1280, Height: 720, FrameRate: 30, ReorderFrames: 0,
	}
	if got := units[0].ParameterSets; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if p := units[5].ParameterSets; p.Width != 640 || p.ProfileLevelID != [3]byte{0x42, 0xc0, 0x1e} {
		t.Errorf("new parameter sets are %+v", p)
	}
}

// The first SPS describes the stream.
func TestFirstSPSDescribes(t *testing.T) {
	second := (&bitWriter{}).u(32, 0x674d001e).ue(1, 0, 2, 1).u(1, 0).ue(39, 29).u(4, 0xc).nalu()
	p, err := mergeParameterSets(nil, [][]byte{unhex(spsA), second, unhex(ppsA)})
	if err != nil || len(p.SPS) != 2 || p.Width != 1280 || p.FrameRate != 30 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAudio(t *testing.T) {
	r := mediatest.NewRecorder(t)
	d := NewDemuxer(r)
	audio := func(ms uint32, body string) error {
		return d.Audio(ms, []byte(body), time.Unix(0, int64(ms)*1e6))
	}
	if err := audio(0, "\xaf\x01data"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("frame before the configuration: error %v, want ErrCorrupt", err)
	}
	for i, body := range []string{
		"\xaf\x00\x11\x90\x56\xe5\x00", "\xaf\x01one", "", "\xaf\x01", "\xaf\x00\x11\x90\x56\xe5\x00", "\xaf\x01two",
		"\xaf\x00\x12\x10", "\xaf\x01three",
	} {
		if err := audio(uint32(i)*20, body); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
	if err := audio(200, "\xaf\x00\x11"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("corrupt configuration: error %v, want ErrCorrupt", err)
	}
	if err := audio(201, "\xaf\x01"+strings.Repeat("x", maxAACFrame+1)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("huge frame: error %v, want ErrCorrupt", err)
	}
	if err := audio(220, "\xaf\x01four"); err != nil {
		t.Error(err)
	}
	frames := r.Audio()
	if len(frames) != 4 {
		t.Fatalf("%d frames, want 4", len(frames))
	}
	for i, want := range []media.AudioFrame{
		{Data: []byte("one"), PTS: clockStart, Duration: 21333333},
		{Data: []byte("two"), PTS: clockStart + 80*time.Millisecond, Duration: 21333333},
		{Data: []byte("three"), PTS: clockStart + 120*time.Millisecond, Duration: 23219954},
		{Data: []byte("four"), PTS: clockStart + 200*time.Millisecond, Duration: 23219954},
	} {
		f := frames[i]
		if string(f.Data) != string(want.Data) || f.PTS != want.PTS || f.Duration != want.Duration || f.Codec != media.AAC {
			t.Errorf("frame %d: %+v, want %+v", i, f, want)
		}
	}
	if frames[0].Config != frames[1].Config || frames[1].Config == frames[2].Config || frames[2].Config != frames[3].Config {
		t.Error("the configuration's pointer does not change when, and only when, it does")
	}
	if !frames[1].Arrival.Equal(time.Unix(0, 100e6)) {
		t.Errorf("arrival %v", frames[1].Arrival)
	}
	if err := audio(240, "\xb2speex"); !errors.Is(err, ErrUnsupportedCodec) {
		t.Errorf("Speex: error %v, want ErrUnsupportedCodec", err)
	}
}

// The timestamps of tags that hold no frame do not move the clock.
func TestTimestampsOfOtherTags(t *testing.T) {
	r := mediatest.NewRecorder(t)
	d := NewDemuxer(r)
	for i, m := range []struct {
		at  uint32
		tag []byte
	}{{7_000_000, record(4, spsA, ppsA)}, {8000, unit("65")}, {0, []byte("\x92avc1")}, {0, []byte{0x17, 2, 0, 0, 0}}, {1 << 30, record(4, spsA, ppsA)}, {8033, unit("41")}} {
		if err := d.Video(m.at, m.tag, time.Unix(0, int64(i)*10e6)); err != nil {
			t.Fatal(err)
		}
	}
	if v := r.Video(); d.Jumps() != 0 || len(v) != 2 || v[1].DTS-v[0].DTS != 33*time.Millisecond {
		t.Errorf("%d jumps, %d access units", d.Jumps(), len(v))
	}
}

func TestWriterError(t *testing.T) {
	broken := errors.New("broken")
	r := mediatest.NewRecorder(t)
	d := NewDemuxer(r)
	now := time.Unix(0, 0)
	if err := errors.Join(d.Video(0, record(4, spsA, ppsA), now), d.Audio(0, []byte("\xaf\x00\x11\x90"), now)); err != nil {
		t.Fatal(err)
	}
	r.Fail(broken)
	if err := d.Video(0, unit("65"), now); !errors.Is(err, broken) || errors.Is(err, ErrCorrupt) {
		t.Errorf("video: error %v, want the writer's", err)
	}
	r.Fail(broken)
	if err := d.Audio(0, []byte("\xaf\x01data"), now); !errors.Is(err, broken) || errors.Is(err, ErrCorrupt) {
		t.Errorf("audio: error %v, want the writer's", err)
	}
}
