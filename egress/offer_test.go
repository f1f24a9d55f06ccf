package egress

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtc"
)

// recorded reads an offer that a real client made.
func recorded(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "whip", "testdata", "offers", name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A viewer that cannot take the video is told what it is, even if it could
// have the sound.
func TestUnservableOffer(t *testing.T) {
	offer := recorded(t, "firefox-fresh")
	for e, want := range map[Encoding]string{
		{Codec: media.H264}:             "the stream is H.264, which needs packetization-mode=1, and the viewer offers VP8 VP9 AV1",
		{Codec: media.VP9, Profile: 2}:  "the stream is VP9 profile 2, and the viewer offers VP8 VP9 AV1",
		{Codec: media.H265, Profile: 1}: "the stream is H.265, and the viewer offers VP8 VP9 AV1",
	} {
		_, err := parseOffer(offer, rtc.Target{Encoding: e})
		if !errors.Is(err, ErrNoCommonCodec) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", e, err, want)
		}
	}
	if _, err := parseOffer(offer, rtc.Target{Encoding: Encoding{Codec: media.VP9}}); err != nil {
		t.Error(err)
	}
}
