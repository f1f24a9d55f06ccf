package whip

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// watching is a player in a session of an outside server, and what it gets.
type watching struct {
	*player
	session      string // URL; "": it has none
	video, audio chan arrival
	reports      chan uint32 // SSRCs of sender reports
}

// watch plays, by an offer without candidates and without PATCH, as OBS,
// ffmpeg and whip-whep make it.
func (o *outside) watch(t *testing.T, s webrtc.SettingEngine, setup string) *watching {
	t.Helper()
	w := &watching{newPlayerOf(t, s), "", make(chan arrival, 10_000), make(chan arrival, 10_000), make(chan uint32, 100)}
	w.OnTrack(func(tr *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		go w.hear(r)
		to := w.audio
		if tr.Kind() == webrtc.RTPCodecTypeVideo {
			to = w.video
		}
		for {
			q, _, err := tr.ReadRTP()
			if err != nil {
				return
			}
			select {
			case to <- arrival{q, time.Now()}:
			default: // nobody looks any more
			}
		}
	})
	r := o.do(t, post(o.endpoint, strings.ReplaceAll(w.offer(t), "a=setup:actpass", "a=setup:"+setup)))
	if r.status != http.StatusCreated {
		t.Fatalf("%d %s", r.status, r.body)
	}
	w.session = o.locate(t, r)
	if err := w.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: r.body}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watching) hear(r *webrtc.RTPReceiver) {
	for {
		packets, _, err := r.ReadRTCP()
		if err != nil {
			return
		}
		for _, q := range packets {
			if sr, ok := q.(*rtcp.SenderReport); ok {
				w.reports <- sr.SSRC
			}
		}
	}
}

// outsideMedia are rules that media shows.
func outsideMedia() map[string]func(*testing.T, *outside) {
	plays := func(e webrtc.SettingEngine, setup string) func(*testing.T, *outside) {
		return func(t *testing.T, o *outside) {
			w := o.watch(t, e, setup)
			receive(t, "video", w.video)
			receive(t, "audio", w.audio)
		}
	}
	profile := func(p dtls.SRTPProtectionProfile) (e webrtc.SettingEngine) {
		e.SetSRTPProtectionProfiles(p)
		return e
	}
	var standard webrtc.SettingEngine
	return map[string]func(*testing.T, *outside){
		"A4.41 no candidates and no PATCH":  plays(standard, "actpass"),
		"A4.31 active":                      plays(standard, "active"),
		"A4.31 passive":                     plays(standard, "passive"),
		"A8.65 AES128_CM_SHA1_80":           plays(profile(dtls.SRTP_AES128_CM_HMAC_SHA1_80), "actpass"),
		"A8.65 AEAD_AES_128_GCM":            plays(profile(dtls.SRTP_AEAD_AES_128_GCM), "actpass"),
		"A5.49 media survives a restart":    outsideRestart,
		"A6.53 DELETE ends media":           outsideDelete,
		"A6.55 close_notify, then DELETE":   outsideClose,
		"A8.63 a picture at once":           outsidePicture,
		"A8.64 sender reports, NACK, sizes": outsideRTP,
	}
}

func outsideRestart(t *testing.T, o *outside) {
	w := o.watch(t, webrtc.SettingEngine{}, "actpass")
	receive(t, "audio", w.audio)
	w.restart(t, func(q request) reply { return o.do(t, q) }, w.session)
	restarted := time.Now()
	for receive(t, "audio", w.audio).at.Sub(restarted) < time.Second {
	}
}

func outsideDelete(t *testing.T, o *outside) {
	w := o.watch(t, webrtc.SettingEngine{}, "actpass")
	receive(t, "audio", w.audio)
	if r := o.do(t, request{method: http.MethodDelete, path: w.session}); r.status != http.StatusOK {
		t.Errorf("DELETE: %d", r.status)
	}
	ended := time.Now()
	for quiet := time.NewTimer(3 * time.Second); ; {
		select {
		case a := <-w.audio:
			if a.at.Sub(ended) > time.Second {
				t.Fatalf("sound %v later", a.at.Sub(ended))
			}
		case <-quiet.C:
			return
		case s := <-w.states:
			if s == webrtc.PeerConnectionStateClosed {
				return
			}
		}
	}
}

func outsideClose(t *testing.T, o *outside) {
	w := o.watch(t, webrtc.SettingEngine{}, "actpass")
	receive(t, "audio", w.audio)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if r := o.do(t, request{method: http.MethodDelete, path: w.session}); r.status != http.StatusOK {
		t.Errorf("DELETE: %d", r.status)
	}
}

func outsidePicture(t *testing.T, o *outside) {
	best := time.Hour
	for range 3 { // one join is held up easily, and one may meet an IDR by luck
		w := o.watch(t, webrtc.SettingEngine{}, "actpass")
		w.awaitState(t, webrtc.PeerConnectionStateConnected)
		connected := time.Now()
		first := receive(t, "video", w.video)
		if kind := first.Payload[0] & 0x1f; kind != 24 && kind != 7 { // STAP-A or SPS (RFC 6184 §5.2)
			t.Errorf("video begins with NAL unit type %d, not with parameter sets", kind)
		}
		best = min(best, first.at.Sub(connected))
	}
	if best > 300*time.Millisecond {
		t.Errorf("the first picture came %v after DTLS", best)
	}
}

func outsideRTP(t *testing.T, o *outside) {
	w := o.watch(t, webrtc.SettingEngine{}, "actpass")
	w.awaitState(t, webrtc.PeerConnectionStateConnected)
	connected := time.Now()
	first := receive(t, "video", w.video)
	for range 200 {
		if q := receive(t, "video", w.video); q.MarshalSize() > 1250 || q.SSRC != first.SSRC || q.PayloadType != first.PayloadType {
			t.Errorf("%d bytes, SSRC %d and %d, type %d and %d", q.MarshalSize(), first.SSRC, q.SSRC, first.PayloadType, q.PayloadType)
		}
	}
	for reported := map[uint32]bool{}; len(reported) < 2; {
		reported[receive(t, "sender report of each track", w.reports)] = true
	}
	if took := time.Since(connected); took > 6*time.Second {
		t.Errorf("sender reports of both after %v", took)
	}
	asked := receive(t, "video", w.video).SequenceNumber
	nack := &rtcp.TransportLayerNack{MediaSSRC: first.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{asked})}
	if err := w.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(3 * time.Second); receive(t, "video", w.video).SequenceNumber != asked; {
		if time.Now().After(end) {
			t.Fatal("the packet did not come again")
		}
	}
}
