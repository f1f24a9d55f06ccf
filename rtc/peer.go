package rtc

import (
	"fmt"
	"net/netip"

	"github.com/pion/interceptor"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Peer is a PeerConnection that answers an offer.
type Peer struct {
	*webrtc.PeerConnection
	offer   *Offer
	secrets secrets
	route   route
}

// NewPeer makes a PeerConnection for an offer. It knows just what was chosen
// from it, and the interceptors given.
func (t *Transport) NewPeer(o *Offer, interceptors *interceptor.Registry) (*Peer, error) {
	codecs, err := o.mediaEngine()
	if err != nil {
		return nil, err
	}
	cert, err := t.certificate.now()
	if err != nil {
		return nil, err
	}
	q, settings := &Peer{offer: o, route: route{reporters: t.mux.conn.reporters}}, t.settings
	q.secrets.watch(&settings)
	if t.tcp != nil {
		settings.SetICETCPMux(sessionTCP{t.tcp, &q.route})
	}
	if err := settings.SetAnsweringDTLSRole(o.answeringRole()); err != nil {
		return nil, fmt.Errorf("set the DTLS role: %w", err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(codecs), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(interceptors))
	q.PeerConnection, err = api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{cert}})
	if err != nil {
		return nil, fmt.Errorf("make a peer connection: %w", err)
	}
	q.route.follow(q.SCTP().Transport().ICETransport())
	return q, nil
}

// OpenMedia returns what sends RTP and RTCP to a peer that is connected. It fails
// where we are the client in DTLS: then pion has to. It is for who has sent
// neither yet, and works once: two that seal with one key would use nonces twice
// (RFC 3711 §9.1). From now on heard is called with each compound packet of RTCP
// that the peer sends, one at a time, until Close; it must not keep it. pion is
// not told any more.
func (q *Peer) OpenMedia(heard func(compound []byte)) (*Media, error) {
	profile, keys, err := q.secrets.keys()
	if err != nil {
		return nil, err
	}
	s, err := newSealer(profile, keys)
	if err != nil {
		return nil, fmt.Errorf("set SRTP up: %w", err)
	}
	r, err := newReports(profile, keys, heard)
	if err != nil {
		return nil, fmt.Errorf("set SRTCP up: %w", err)
	}
	q.route.listen(r)
	return &Media{sealer: s, route: &q.route}, nil
}

// Close ends the connection.
func (q *Peer) Close() error {
	q.route.end()
	return q.PeerConnection.Close()
}

// Full says whether so much waits for the peer that nothing more should be sent
// now. What is sent over UDP never waits.
func (q *Peer) Full() bool { return q.route.full() }

// Answer answers the offer. It takes a few milliseconds, because all our
// candidates are host candidates.
func (q *Peer) Answer() (string, error) {
	text, err := q.offer.trimmed()
	if err != nil {
		return "", fmt.Errorf("trim the offer: %w", err)
	}
	answer, err := q.exchange(text)
	if err != nil {
		return "", err
	}
	return q.offer.answer(answer)
}

// ICE is what a peer needs to reach us (RFC 8839 §5).
type ICE struct {
	Ufrag, Pwd string
	Candidates []string // "candidate:…", component 1, the best one first
}

// RestartICE begins ICE anew with the peer's new credentials (RFC 8445 §9) and
// returns ours. It repeats the offer without its candidates: those are of
// networks that the peer has left.
func (q *Peer) RestartICE(ufrag, pwd string) (ICE, error) {
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
	tcp := q.overTCP()
	if _, err := q.exchange(string(text)); err != nil {
		return ICE{}, err
	}
	q.route.renew() // there is none now
	made, err := iceOf(q.LocalDescription().SDP)
	if tcp { // a network that blocks UDP is the one to count on
		tcpFirst(made.Candidates)
	}
	return made, err
}

// Remote returns where the peer is reached now; the zero value: nowhere.
func (q *Peer) Remote() netip.AddrPort {
	if to := q.route.to(); to != nil {
		return to.addr
	}
	return netip.AddrPort{}
}

// overTCP says whether the peer is now reached over TCP.
func (q *Peer) overTCP() bool {
	to := q.route.to()
	return to != nil && to.tcp != nil
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
	m := desc.MediaDescriptions[0]
	var made ICE
	made.Ufrag, _ = m.Attribute("ice-ufrag")
	made.Pwd, _ = m.Attribute("ice-pwd")
	for _, c := range candidatesOf(m) {
		made.Candidates = append(made.Candidates, "candidate:"+c)
	}
	return made, nil
}

// exchange answers an offer, gathers all candidates and returns the answer.
func (q *Peer) exchange(offer string) (string, error) {
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
