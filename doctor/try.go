package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/rtc"
)

// Way is how a viewer may be reached.
type Way struct {
	Transport string    // of the server's candidates that are tried: "udp" or "tcp"
	Relay     ICEServer // of TURN, the only way then; zero: none
}

// ErrNoWay means that the server offers no candidate of that kind.
var ErrNoWay = errors.New("it is not offered")

// ErrUntried means that a TURN server has no address in IPv4, which is all by which
// this client reaches one. Browsers use either.
var ErrUntried = errors.New("it has no IPv4 address, and TURN over IPv6 is tried by browsers alone")

// Offered asks a server, whose /doctor/session url is, what it has to offer: its
// candidates ("candidate:…") and ICE servers.
func Offered(ctx context.Context, url string) (candidates []string, servers []ICEServer, err error) {
	pc, err := newClient(webrtc.Configuration{})
	if err != nil {
		return nil, nil, err
	}
	defer end(pc)
	s, err := post(ctx, url, pc)
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(s.SDP) {
		if c, ok := strings.CutPrefix(strings.TrimSpace(line), "a=candidate:"); ok {
			candidates = append(candidates, "candidate:"+c)
		}
	}
	return candidates, s.ICEServers, nil
}

// Try connects to a server's test session by one way, and returns how long that
// took.
func Try(ctx context.Context, url string, w Way) (time.Duration, error) {
	var c webrtc.Configuration
	if w.Relay.URLs != "" {
		if !hasIPv4(ctx, w.Relay.URLs) {
			return 0, ErrUntried
		}
		c.ICETransportPolicy = webrtc.ICETransportPolicyRelay
		c.ICEServers = []webrtc.ICEServer{{URLs: []string{w.Relay.URLs}, Username: w.Relay.Username, Credential: w.Relay.Credential}}
	}
	pc, err := newClient(c)
	if err != nil {
		return 0, err
	}
	defer end(pc)
	start := time.Now()
	connected := make(chan struct{})
	var once sync.Once
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	s, err := post(ctx, url, pc)
	if err != nil {
		return 0, err
	}
	answer, n := only(s.SDP, w.Transport)
	if n == 0 {
		return 0, ErrNoWay
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return 0, fmt.Errorf("take the answer: %w", err)
	}
	select {
	case <-connected:
		return time.Since(start), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("no connection within %v", time.Since(start).Round(time.Second))
	}
}

// hasIPv4 says whether a TURN server has such an address. One that has none at all
// is left to fail.
func hasIPv4(ctx context.Context, turn string) bool {
	uri, err := stun.ParseURI(turn)
	if err != nil {
		return true
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", uri.Host)
	return err != nil || slices.ContainsFunc(all, func(a netip.Addr) bool { return a.Unmap().Is4() })
}

// only leaves the candidates of one transport in a session description, and
// counts them.
func only(sdp, transport string) (left string, n int) {
	var kept strings.Builder
	for line := range strings.Lines(sdp) {
		f := strings.Fields(line)
		if strings.HasPrefix(line, "a=candidate:") && len(f) > 2 {
			if !strings.EqualFold(f[2], transport) {
				continue
			}
			n++
		}
		kept.WriteString(line)
	}
	return kept.String(), n
}

func newClient(c webrtc.Configuration) (*webrtc.PeerConnection, error) {
	settings := webrtc.SettingEngine{LoggerFactory: rtc.Log(slog.New(slog.DiscardHandler))}
	settings.SetIncludeLoopbackCandidate(true) // it may be this machine
	settings.SetNetworkTypes([]webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6,
	})
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, fmt.Errorf("register codecs: %w", err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media)).NewPeerConnection(c)
	if err != nil {
		return nil, fmt.Errorf("make a peer connection: %w", err)
	}
	return pc, nil
}

// post sends the offer of a client, which begins to gather.
func post(ctx context.Context, url string, pc *webrtc.PeerConnection) (Session, error) {
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		return Session{}, fmt.Errorf("ask for sound: %w", err)
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return Session{}, fmt.Errorf("make an offer: %w", err)
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		return Session{}, fmt.Errorf("make an offer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(offer.SDP)))
	if err != nil {
		return Session{}, err
	}
	req.Header.Set("Content-Type", "application/sdp")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Session{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Session{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return Session{}, fmt.Errorf("%s says %s: %.200s", url, resp.Status, bytes.TrimSpace(body))
	}
	var s Session
	if err := json.Unmarshal(body, &s); err != nil {
		return Session{}, fmt.Errorf("%s is no Sluice: %w", url, err)
	}
	return s, nil
}

// end closes a client. It does not wait for it: that takes as long as a TURN
// server that does not answer is waited for.
func end(pc *webrtc.PeerConnection) { go pc.Close() } //nolint:errcheck // nobody is left to tell
