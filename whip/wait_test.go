package whip

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/media"
)

func TestPatience(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		query    string
		standard time.Duration
		status   int
		want     time.Duration
	}{
		{"", 0, 404, 0},
		{"?wait=0s", time.Minute, 404, 0},
		{"", time.Minute, 201, time.Minute},
		{"?wait=30s", 0, 201, 30 * time.Second},
		{"?token=x&wait=1m30s", 0, 201, 90 * time.Second},
		{"?wait=100h", 0, 201, maxPatience},
		{"?wait=30", 0, 400, 0},
		{"?wait=-1s", 0, 400, 0},
		{"?wait=", time.Minute, 400, 0},
	} {
		s.handler.wait, s.patience = c.standard, 0
		got := s.do(t, post("/whep/live/none"+c.query, chromium(t)))
		if got.status != c.status || s.patience != c.want {
			t.Errorf("%q with %v by default: %d, waits %v; want %d, %v", c.query, c.standard, got.status, s.patience, c.status, c.want)
		}
		checkEvery(t, rule{status: c.status}, got)
	}
	// A name that is not UTF-8 is nobody's, and would break a metric's label.
	if s.do(t, post("/whep/live/%ff?wait=30s", chromium(t))); s.patience != 0 {
		t.Errorf("waits %v for what cannot come", s.patience)
	}
}

// A session that was opened before the stream plays when it begins, and goes on
// when its publisher is changed.
func TestLiveWaiting(t *testing.T) {
	s, _ := newLive(t, egress.Config{Grace: time.Millisecond, MaxWaiting: 2})
	const later = "/whep/live/later"
	p := newPlayer(t)
	p.joinAt(t, s, later+"?wait=1m")
	p.awaitState(t, webrtc.PeerConnectionStateConnected)
	if got := s.do(t, request{method: "GET", path: "/api/streams/live/later"}); got.status != 404 {
		t.Errorf("a stream that has only viewers is listed: %s", got.body)
	}
	s.do(t, post(later+"?wait=1m", chromium(t)))
	for _, path := range []string{later, "/whep/live/other"} {
		if got := s.do(t, post(path+"?wait=1m", chromium(t))); got.status != 404 && got.status != 409 {
			t.Errorf("one too many in the waiting room, %s: %d", path, got.status)
		}
	}
	pub, err := s.server.Publish("live/later")
	if err != nil {
		t.Fatal(err)
	}
	offAir := broadcast(t, pub)
	if a, b := receive(t, "first track", p.tracks), receive(t, "second track", p.tracks); a == b {
		t.Errorf("two %s tracks", a)
	}
	offAir()
	// Between publishers, with a grace that is over at once.
	if got := s.do(t, post(later, chromium(t))); got.status != 404 && got.status != 409 {
		t.Errorf("without patience: %d", got.status)
	}
}

// What was guessed wrong ends with the stream's first frame.
func TestLiveWaitingForAnotherCodec(t *testing.T) {
	s, _ := newLive(t, egress.Config{})
	p := newPlayer(t)
	p.joinAt(t, s, "/whep/live/later?wait=1m")
	p.awaitState(t, webrtc.PeerConnectionStateConnected)
	pub, err := s.server.Publish("live/later")
	if err != nil {
		t.Fatal(err)
	}
	au := &media.AccessUnit{Codec: media.VP9, NALUs: [][]byte{{0x82, 0x49, 0x83, 0x42}}, IDR: true, Arrival: time.Now()}
	if err := pub.WriteVideo(au); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the session ends", func() bool {
		return s.sample(t, "sluice_whep_sessions_ended_total", endCodecChanged) == 1
	})
	// The next offer is answered for what it is.
	if got := s.do(t, post("/whep/live/later", chromium(t))); got.status != 201 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if err := pub.Close(); err != nil {
		t.Error(err)
	}
}
