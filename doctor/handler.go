// Package doctor finds out on which ways viewers can be reached: a server of test
// sessions without media, and a client that connects to one by a way of its
// choice. The page /doctor is another client.
//
// Goroutines: one for each test session, for some seconds; Close waits for them.
// Those of the client end with Try.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/limit"
	"github.com/sluice-media/sluice/rtc"
)

const (
	// sessionTime is what a client has to connect.
	sessionTime = 15 * time.Second
	// lingerTime is how long a session stays connected, for the client to see.
	lingerTime = 2 * time.Second
	// maxSessions bounds the sessions at a time, maxPerHost those of an address.
	maxSessions = 64
	maxPerHost  = 16
	// maxOffer is ten times a browser's offer of sound alone.
	maxOffer = 64 << 10
)

// ICEServer is a STUN or TURN server, as RTCPeerConnection takes it.
type ICEServer struct {
	URLs       string `json:"urls"`
	Username   string `json:"username,omitempty"`
	Credential string `json:"credential,omitempty"`
}

// Session is the answer to an offer.
type Session struct {
	SDP        string      `json:"sdp"`
	ICEServers []ICEServer `json:"iceServers"`
}

// Handler makes a test session of each offer that is posted to it.
type Handler struct {
	// static
	transport *rtc.Transport
	servers   func(host string) []ICEServer
	crowd     *limit.Crowd
	ctx       context.Context
	end       context.CancelFunc

	mu       sync.Mutex // orders sessions.Go and Close
	sessions sync.WaitGroup
}

// New returns a Handler. servers are the ICE servers that a client may use who
// found us under a host, which a port may follow.
func New(transport *rtc.Transport, servers func(host string) []ICEServer) *Handler {
	h := &Handler{transport: transport, servers: servers, crowd: limit.NewCrowd(maxSessions, maxPerHost)}
	h.ctx, h.end = context.WithCancel(context.Background())
	return h
}

// Close ends all sessions and waits for their ends; it cannot fail.
func (h *Handler) Close() error {
	h.mu.Lock()
	h.end()
	h.mu.Unlock()
	h.sessions.Wait()
	return nil
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "post an offer", http.StatusMethodNotAllowed)
		return
	}
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	if !h.crowd.Enter(from.Addr()) {
		w.Header().Set("Retry-After", strconv.Itoa(int(sessionTime.Seconds())))
		http.Error(w, "too many test sessions: come again", http.StatusTooManyRequests)
		return
	}
	leave := func() { h.crowd.Leave(from.Addr()) }
	offer, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOffer))
	if err != nil {
		leave()
		http.Error(w, "the offer cannot be read", http.StatusBadRequest)
		return
	}
	answer, err := h.open(string(offer), leave)
	switch {
	case errors.Is(err, rtc.ErrBadOffer), errors.Is(err, rtc.ErrNoCommonCodec):
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case err != nil:
		http.Error(w, "no test session can be made", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Session{answer, h.servers(r.Host)}) // a client that has gone never connects
}

// open answers an offer and sees to the session's end, which it tells of by
// leave.
func (h *Handler) open(offer string, leave func()) (answer string, err error) {
	defer func() {
		if err != nil {
			leave()
		}
	}()
	parsed, err := rtc.ParseOffer(offer, rtc.Receiver)
	if err != nil {
		return "", err
	}
	peer, err := h.transport.NewPeer(parsed, &interceptor.Registry{})
	if err != nil {
		return "", err
	}
	connected := make(chan struct{})
	gone := make(chan struct{})
	var once, onceGone sync.Once
	peer.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateConnected:
			once.Do(func() { close(connected) })
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			onceGone.Do(func() { close(gone) })
		default:
		}
	})
	if answer, err = peer.Answer(); err != nil {
		return "", errors.Join(err, peer.Close())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx.Err() != nil {
		return "", errors.Join(h.ctx.Err(), peer.Close())
	}
	h.sessions.Go(func() {
		defer leave()
		defer func() { _ = peer.Close() }()
		h.wait(sessionTime, connected, gone)
		h.wait(lingerTime, nil, gone)
	})
	return answer, nil
}

// wait returns after a time, or when something happens before.
func (h *Handler) wait(most time.Duration, happened ...<-chan struct{}) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-h.ctx.Done():
	case <-happened[0]:
	case <-happened[1]:
	}
}
