package egress

import (
	"fmt"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/rtc"
)

// peer is a PeerConnection that sends what its offer accepted.
type peer struct {
	*rtc.Peer
	video, audio *track // nil: not accepted
	encoding     Encoding
	senders      []*webrtc.RTPSender
	answer       string
	media        *rtc.Media // set by open; nil: pion sends
}

// connect answers an offer. It takes a few milliseconds: all candidates are
// host candidates.
func connect(transport *rtc.Transport, o *rtc.Offer, onState func(webrtc.PeerConnectionState)) (_ *peer, err error) {
	made, err := transport.NewPeer(o, &interceptor.Registry{})
	if err != nil {
		return nil, err
	}
	q := &peer{Peer: made, encoding: o.Encoding}
	defer func() {
		if err != nil {
			_ = q.Close()
		}
	}()
	var tracks []*track
	if o.Video != nil {
		q.video = newTrack(webrtc.RTPCodecTypeVideo, videoClock)
		tracks = append(tracks, q.video)
	}
	if o.Audio != nil {
		q.audio = newTrack(webrtc.RTPCodecTypeAudio, audioClock)
		tracks = append(tracks, q.audio)
	}
	q.OnConnectionStateChange(onState)
	for _, t := range tracks {
		tr, err := q.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return nil, fmt.Errorf("add a track: %w", err)
		}
		q.senders = append(q.senders, tr.Sender())
	}
	q.answer, err = q.Answer()
	return q, err
}

// open decides, before the first packet and for good, what sends the RTP of a
// peer that is connected and tells what it reports: unless it fails, not pion.
func (q *peer) open(heard func(compound []byte)) error {
	m, err := q.OpenMedia(heard)
	if err != nil {
		return err
	}
	q.media = m
	for _, t := range []*track{q.video, q.audio} {
		if t != nil {
			t.writer = m
		}
	}
	return nil
}
