package rtc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/sdp/v3"

	"github.com/sluice-media/sluice/media"
)

var h264Target = Target{Encoding: Encoding{Codec: media.H264}}

// recorded reads an offer that a real client made.
func recorded(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "whip", "testdata", "offers", name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestChooseH264(t *testing.T) {
	high, baseline := []byte{0x64, 0, 0x1f}, []byte{0x42, 0xe0, 0x1f}
	const (
		cb   = "a=rtpmap:1 H264/90000\na=fmtp:1 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1\n"
		cb0  = "a=rtpmap:2 H264/90000\na=fmtp:2 profile-level-id=42e01f;packetization-mode=0\n"
		bl   = "a=rtpmap:3 H264/90000\na=fmtp:3 profile-level-id=42001f; packetization-mode=1\n"
		hi   = "a=rtpmap:4 H264/90000\na=fmtp:4 packetization-mode=1;profile-level-id=64001f\n"
		none = "a=rtpmap:5 H264/90000\na=fmtp:5 packetization-mode=1\n"
		vp8  = "a=rtpmap:6 VP8/90000\n"
		mute = "a=rtpmap:6 H264/90000\n"
		main = "a=rtpmap:7 h264/90000\na=fmtp:7 PACKETIZATION-MODE=1;profile-level-id=4d001f\n"
	)
	cases := []struct {
		name    string
		profile []byte
		lines   string
		want    uint8 // 0: refused
	}{
		{"the stream's own profile", high, cb + hi, 4},
		{"constrained baseline carries any", high, bl + cb, 1},
		{"before the profile is known", nil, hi + cb, 1},
		{"baseline is not constrained baseline", baseline, bl + cb, 1},
		{"only another profile", baseline, hi, 4},
		{"no profile means baseline", baseline, none, 5},
		{"names are case-insensitive", high, main, 7},
		{"packetization mode 0 only", baseline, cb0, 0},
		{"packetization mode not said, as of GStreamer", baseline, cb0 + mute, 6},
		{"packetization mode not said, but by another format", baseline, mute + hi, 4},
		{"no H.264", baseline, vp8, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=video 9 UDP/TLS/RTP/SAVPF 1 2 3 4 5 6 7\n" + c.lines
			var d sdp.SessionDescription
			if err := d.UnmarshalString(text); err != nil {
				t.Fatal(err)
			}
			got := chooseVideo(d.MediaDescriptions[0], Target{Encoding{Codec: media.H264}, c.profile})
			switch {
			case got == nil && c.want != 0:
				t.Errorf("refused, want %d", c.want)
			case got != nil && got.payloadType != c.want:
				t.Errorf("chose %d, want %d", got.payloadType, c.want)
			}
		})
	}
}

// A viewer gets the stream's codec in the stream's profile, and is told both if
// it cannot take it.
func TestChooseVideo(t *testing.T) {
	const text = "a=rtpmap:1 VP9/90000\na=fmtp:1 profile-id=0\na=rtpmap:2 VP9/90000\na=fmtp:2 profile-id=2\n" +
		"a=rtpmap:3 AV1/90000\na=fmtp:3 level-idx=5;profile=0;tier=0\n" +
		"a=rtpmap:4 H265/90000\na=fmtp:4 level-id=180;profile-id=2;tier-flag=0;tx-mode=SRST\n" +
		"a=rtpmap:5 H265/90000\na=fmtp:5 level-id=180;profile-id=1;tier-flag=0;tx-mode=MRST\n" +
		"a=rtpmap:6 VP9/90000\na=rtpmap:7 rtx/90000\na=fmtp:7 apt=3\na=rtpmap:8 av1/90000\na=fmtp:8 profile=x\n"
	cases := []struct {
		encoding Encoding
		want     uint8 // 0: refused
		rtx      uint8
	}{
		{Encoding{media.VP9, 0}, 1, 0},
		{Encoding{media.VP9, 2}, 2, 0},
		{Encoding{media.VP9, 1}, 0, 0},
		{Encoding{media.AV1, 0}, 3, 7},
		{Encoding{media.AV1, 1}, 0, 0},
		{Encoding{media.H265, 1}, 4, 0},
		{Encoding{media.H265, 2}, 4, 0},
		{Encoding{media.H265, 4}, 0, 0},
		{Encoding{media.H264, 0}, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.encoding.String(), func(t *testing.T) {
			sdpText := "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=video 9 UDP/TLS/RTP/SAVPF 1 2 3 4 5 6 7 8\n" + text
			var d sdp.SessionDescription
			if err := d.UnmarshalString(sdpText); err != nil {
				t.Fatal(err)
			}
			got := chooseVideo(d.MediaDescriptions[0], Target{Encoding: c.encoding})
			if got == nil {
				got = &Accepted{}
			}
			if got.payloadType != c.want || got.rtx != c.rtx {
				t.Errorf("chose %d with retransmissions as %d, want %d and %d", got.payloadType, got.rtx, c.want, c.rtx)
			}
			if c.want != 0 {
				return
			}
			o, err := ParseOffer(sdpText, Receiver, Target{Encoding: c.encoding})
			if !errors.Is(err, ErrNoCommonCodec) || o.RefusedVideo != "VP9 AV1 H.265 av1" {
				t.Errorf("error %v, refused %q", err, o.RefusedVideo)
			}
		})
	}
}

func TestParseOffer(t *testing.T) {
	chromium := recorded(t, "chromium")
	cases := []struct {
		name         string
		offer        string
		err          error
		video, audio bool
	}{
		{"Chromium", chromium, nil, true, true},
		{"Chromium, audio only", recorded(t, "chromium-audio-only"), nil, false, true},
		{"Chromium, video only", recorded(t, "chromium-video-only"), nil, true, false},
		{"Chromium, video first", recorded(t, "chromium-video-first"), nil, true, true},
		{"Firefox", recorded(t, "firefox"), nil, true, true},
		{"Firefox, bundle-only", recorded(t, "firefox-max-bundle"), nil, true, true},
		{"Firefox without OpenH264", recorded(t, "firefox-fresh"), nil, false, true},
		{"Safari-like", recorded(t, "safari-like"), nil, true, true},
		{"with a data channel", recorded(t, "reader-js"), nil, true, true},
		{"no candidates", recorded(t, "libdatachannel-like"), nil, true, true},
		{"empty", "", ErrBadOffer, false, false},
		{"nonsense", "v=0\r\nx\r\n", ErrBadOffer, false, false},
		{"no media", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", ErrBadOffer, false, false},
		{"no ufrag", strings.ReplaceAll(chromium, "a=ice-ufrag", "a=x"), ErrBadOffer, false, false},
		{"no mid", strings.ReplaceAll(chromium, "a=mid", "a=x"), ErrBadOffer, false, false},
		{"inactive", strings.ReplaceAll(chromium, "a=recvonly", "a=inactive"), ErrNoCommonCodec, false, false},
		{"no Opus", strings.ReplaceAll(chromium, "opus/48000", "speex/48000"), nil, true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o, err := ParseOffer(c.offer, Receiver, h264Target)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if (o.Video != nil) != c.video || (o.Audio != nil) != c.audio {
				t.Errorf("video %t, audio %t", o.Video != nil, o.Audio != nil)
			}
			text, err := o.trimmed()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text, "VP8") || strings.Contains(text, ".local") || strings.Contains(text, "toffset") {
				t.Errorf("not trimmed:\n%s", text)
			}
		})
	}
}

func TestUsableCandidate(t *testing.T) {
	cases := []struct {
		value string
		want  bool
	}{
		{"candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host generation 0", true},
		{"1 1 UDP 2122260223 2001:db8::1 50000 typ host", true},
		{"candidate:1 2 udp 2122260223 192.0.2.1 50000 typ host", false},
		{"candidate:1 1 tcp 2122260223 192.0.2.1 9 typ host tcptype active", false},
		{"candidate:1 1 udp 2122260223 5b7f-2.local 50000 typ host", false},
		{"candidate:1 1 udp 2122260223 example.org 50000 typ host", false},
		{"candidate:1 1 udp 2122260223 0.0.0.0 50000 typ host", false},
		{"candidate:1 1 udp 2122260223 239.1.1.1 50000 typ host", false},
		{"candidate:1 1 udp 2122260223 192.0.2.1 53 typ host", false},
		{"candidate:1 1 udp 2122260223 192.0.2.1 66000 typ host", false},
		{"candidate:", false},
		{"", false},
	}
	for _, c := range cases {
		if got := UsableCandidate(c.value); got != c.want {
			t.Errorf("UsableCandidate(%q) = %t", c.value, got)
		}
	}
}

func TestTrimmedBoundsCandidates(t *testing.T) {
	many := strings.Repeat("a=candidate:1 1 udp 1 192.0.2.1 50000 typ host\r\n", 100)
	o, err := ParseOffer(recorded(t, "chromium-video-only")+many, Receiver, h264Target)
	if err != nil {
		t.Fatal(err)
	}
	text, err := o.trimmed()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text, "a=candidate:"); n > MaxCandidates {
		t.Errorf("%d candidates", n)
	}
}

func TestWithParameters(t *testing.T) {
	cases := []struct{ fmtp, want string }{
		{"111 minptime=10;useinbandfec=1", "111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"},
		{"111 stereo=1;minptime=10", "111 stereo=1;minptime=10;sprop-stereo=1"},
		{"111 sprop-stereo=1", "111 sprop-stereo=1;stereo=1"},
	}
	for _, c := range cases {
		if got := withParameters(c.fmtp, "stereo=1", "sprop-stereo=1"); got != c.want {
			t.Errorf("%q became %q, want %q", c.fmtp, got, c.want)
		}
	}
}

func FuzzOffer(f *testing.F) {
	for _, name := range []string{"chromium", "firefox-max-bundle", "reader-js", "safari-like"} {
		f.Add(recorded(f, name), byte(media.H264))
		f.Add(recorded(f, name), byte(media.AV1))
		f.Add(recorded(f, name), byte(media.H265))
	}
	f.Fuzz(func(t *testing.T, text string, codec byte) {
		o, err := ParseOffer(text, Receiver, Target{Encoding{Codec: media.Codec(codec)}, []byte{0x64, 0, 0x1f}})
		if err != nil {
			return
		}
		if _, err := o.trimmed(); err != nil {
			t.Error(err)
		}
	})
}

// The sound may come with a copy of what was before it if the viewer offers just
// that (RFC 2198 §5), and the answer has both formats, Opus first.
func TestChooseOpus(t *testing.T) {
	const opus, red = "a=rtpmap:111 opus/48000/2\na=fmtp:111 useinbandfec=1\n", "a=rtpmap:63 red/48000/2\n"
	for name, c := range map[string]struct {
		lines string
		red   uint8
	}{
		"none":          {opus, 0},
		"of two":        {opus + red + "a=fmtp:63 111/111\n", 63},
		"before it":     {red + "a=fmtp:63 111/111\n" + opus, 63},
		"of another":    {opus + red + "a=fmtp:63 9/9\n", 0},
		"of three":      {opus + red + "a=fmtp:63 111/111/111\n", 0},
		"of what":       {opus + red, 0},
		"at another Hz": {opus + "a=rtpmap:63 red/8000\na=fmtp:63 111/111\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var d sdp.SessionDescription
			if err := d.UnmarshalString("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\n" + c.lines); err != nil {
				t.Fatal(err)
			}
			if got := chooseOpus(d.MediaDescriptions[0]); got == nil || got.payloadType != 111 || got.red != c.red {
				t.Errorf("%+v, want redundancy %d", got, c.red)
			}
		})
	}
	transport, err := Listen(Config{UDPAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	o, err := ParseOffer(recorded(t, "chromium"), Receiver, h264Target)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := transport.NewPeer(o, &interceptor.Registry{})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	answer, err := peer.Answer()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111"} {
		if !strings.Contains(answer, line+"\r\n") {
			t.Errorf("the answer has no %q:\n%s", line, answer)
		}
	}
}
