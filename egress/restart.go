package egress

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// ICE is what a viewer needs to reach the server (RFC 8839 §5).
type ICE struct {
	Ufrag, Pwd string
	Candidates []string // "candidate:…", component 1, the best one first
}

// RestartICE begins ICE anew with the viewer's new credentials (RFC 8445 §9)
// and returns the server's. DTLS, SRTP and the RTP streams go on: what is to be
// sent until a new pair of addresses is found waits for it. Of several restarts
// the last one counts.
func (v *Viewer) RestartICE(ufrag, pwd string) (ICE, error) {
	v.restarting.Lock()
	defer v.restarting.Unlock()
	v.path.close()
	v.candidates.Store(0)
	made, err := v.peer.restart(ufrag, pwd)
	if err != nil {
		return ICE{}, err
	}
	v.log.Debug("ICE restarted")
	return made, nil
}

// restart repeats the offer with other credentials and no candidates: those
// are of networks that the viewer has left.
func (q *peer) restart(ufrag, pwd string) (ICE, error) {
	offer := &sdp.SessionDescription{}
	if err := offer.UnmarshalString(q.RemoteDescription().SDP); err != nil {
		return ICE{}, fmt.Errorf("parse the offer: %w", err)
	}
	offer.Attributes = renewed(offer.Attributes, ufrag, pwd)
	for _, m := range offer.MediaDescriptions {
		m.Attributes = renewed(m.Attributes, ufrag, pwd)
	}
	text, err := offer.Marshal()
	if err != nil {
		return ICE{}, fmt.Errorf("write the offer: %w", err)
	}
	if _, err := q.exchange(string(text)); err != nil {
		return ICE{}, err
	}
	return iceOf(q.LocalDescription().SDP)
}

// renewed returns attributes with new ICE credentials where there were some.
func renewed(attributes []sdp.Attribute, ufrag, pwd string) []sdp.Attribute {
	var list []sdp.Attribute
	for _, a := range attributes {
		switch a.Key {
		case "ice-ufrag":
			a.Value = ufrag
		case "ice-pwd":
			a.Value = pwd
		case sdp.AttrKeyCandidate, sdp.AttrKeyEndOfCandidates:
			continue
		}
		list = append(list, a)
	}
	return list
}

// iceOf reads what an answer of pion's says of ICE. All its m-lines share one
// transport, so the first has it all.
func iceOf(answer string) (ICE, error) {
	desc := &sdp.SessionDescription{}
	if err := desc.UnmarshalString(answer); err != nil {
		return ICE{}, fmt.Errorf("parse the answer: %w", err)
	}
	var made ICE
	for _, a := range desc.MediaDescriptions[0].Attributes {
		switch f := strings.Fields(a.Value); a.Key {
		case "ice-ufrag":
			made.Ufrag = a.Value
		case "ice-pwd":
			made.Pwd = a.Value
		case sdp.AttrKeyCandidate:
			if len(f) > 1 && f[1] == "1" {
				made.Candidates = append(made.Candidates, "candidate:"+a.Value)
			}
		}
	}
	return made, nil
}

// exchange answers an offer, gathers all candidates and returns the answer.
func (q *peer) exchange(offer string) (string, error) {
	if err := q.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadOffer, err)
	}
	answer, err := q.CreateAnswer(&webrtc.AnswerOptions{
		OfferAnswerOptions: webrtc.OfferAnswerOptions{ICETricklingSupported: true},
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadOffer, err)
	}
	gathered := webrtc.GatheringCompletePromise(q.PeerConnection)
	if err := q.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadOffer, err)
	}
	<-gathered
	return q.LocalDescription().SDP, nil
}

// path says whether there is a way to the viewer. pion drops what is sent
// while it has none.
type path struct {
	mu   sync.Mutex
	free chan struct{} // closed while there is one
}

func newPath() *path {
	p := &path{free: make(chan struct{})}
	close(p.free)
	return p
}

func (p *path) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.free:
	default:
		close(p.free)
	}
}

func (p *path) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.free:
		p.free = make(chan struct{})
	default:
	}
}

// await returns when there is a way, true, or when ctx is done, false.
func (p *path) await(ctx context.Context) bool {
	p.mu.Lock()
	free := p.free
	p.mu.Unlock()
	select {
	case <-free:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
