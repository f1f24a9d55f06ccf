package viewer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// Far is a WHEP client as it comes out of pion's box, on whatever network there
// is, that uses the ICE servers it is told of.
type Far struct {
	tb     testing.TB
	pc     *webrtc.PeerConnection
	frames atomic.Int32 // of video
}

// farTime bounds a join: a way that is closed is given up after seconds.
const farTime = 25 * time.Second

// JoinFar opens a session and waits until it is connected. It is for a process
// of its own.
func JoinFar(tb testing.TB, endpoint string) *Far {
	tb.Helper()
	servers, err := ICEServers(endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	settings := webrtc.SettingEngine{}
	settings.SetNetworkTypes([]webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP6,
	})
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		tb.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media))
	f := &Far{tb: tb}
	if f.pc, err = api.NewPeerConnection(webrtc.Configuration{ICEServers: servers}); err != nil {
		tb.Fatal(err)
	}
	// It is not closed, which would wait for servers that do not answer: it ends
	// with the process.
	f.pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			if p.Marker && remote.Kind() == webrtc.RTPCodecTypeVideo {
				f.frames.Add(1)
			}
		}
	})
	if err := f.join(endpoint); err != nil {
		tb.Fatal(err)
	}
	return f
}

func (f *Far) join(endpoint string) error {
	recvonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := f.pc.AddTransceiverFromKind(kind, recvonly); err != nil {
			return err
		}
	}
	offer, err := f.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	connected := make(chan struct{})
	var once sync.Once
	f.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	// Without candidates: the server learns the client's address by itself.
	if err := f.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	answer, _, err := Post(endpoint, offer.SDP)
	if err != nil {
		return err
	}
	if err := f.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return err
	}
	select {
	case <-connected:
		return nil
	case <-time.After(farTime):
		return fmt.Errorf("still %s after %v", f.pc.ConnectionState(), farTime)
	}
}

// Watch returns how many frames of video come in a time.
func (f *Far) Watch(during time.Duration) int {
	before := f.frames.Load()
	time.Sleep(during) // what is measured is the rate
	return int(f.frames.Load() - before)
}

// Way is how the media comes, see Way.
func (f *Far) Way() (string, error) { return Way(f.pc) }

// Way is how media is carried: over what, and whether the client's end is a host's
// or a relay's.
func Way(pc *webrtc.PeerConnection) (string, error) {
	pair, err := pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return "", errors.Join(errors.New("no pair is selected"), err)
	}
	over, kind := pair.Local.Protocol.String(), "host"
	if pair.Local.Typ == webrtc.ICECandidateTypeRelay {
		kind = "relay"
		for _, s := range pc.GetStats() {
			if c, ok := s.(webrtc.ICECandidateStats); ok && c.ID != "" && c.Port == int32(pair.Local.Port) && c.CandidateType == webrtc.ICECandidateTypeRelay {
				over = cmp.Or(c.RelayProtocol, over)
			}
		}
	}
	return over + " " + kind, nil
}

// ICEServers are those that an endpoint's OPTIONS names.
func ICEServers(endpoint string) ([]webrtc.ICEServer, error) {
	req, err := http.NewRequest(http.MethodOptions, endpoint, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	// As mediamtx's reader.js has it.
	line := regexp.MustCompile(`^<(.+?)>; rel="ice-server"(; username="(.*?)"; credential="(.*?)"; credential-type="password")?`)
	var list []webrtc.ICEServer
	for _, l := range resp.Header.Values("Link") {
		if m := line.FindStringSubmatch(l); m != nil {
			list = append(list, webrtc.ICEServer{URLs: []string{strings.TrimSpace(m[1])}, Username: m[3], Credential: m[4]})
		}
	}
	return list, nil
}
