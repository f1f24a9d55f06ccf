// Package whip is a WHIP publisher on pion/webrtc that can do what no real one
// does: it sends the pictures of FLV tags as the test made them, and tells which
// keyframes it was asked for.
package whip

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// connectTime bounds the time to publish: a way that is closed is given up after
// seconds.
const connectTime = 25 * time.Second

// mtu is the size of the RTP packets, in bytes.
const mtu = 1200

// Publisher is one WHIP session of a video track in H.264.
type Publisher struct {
	pc      *webrtc.PeerConnection
	track   *webrtc.TrackLocalStaticRTP
	session string // URL

	packetizer rtp.Packetizer
	sets       []byte // the parameter sets, in Annex B

	mu       sync.Mutex
	requests []time.Time
}

// Publish opens a session at a WHIP endpoint and waits until media can flow. It
// uses the ICE servers that the endpoint names. Its end is that of the test, if
// not Close's before.
func Publish(tb testing.TB, endpoint string) (*Publisher, error) {
	tb.Helper()
	servers, err := viewer.ICEServers(endpoint)
	if err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media))
	p := &Publisher{packetizer: rtp.NewPacketizer(mtu, 0, 0, &codecs.H264Payloader{}, rtp.NewRandomSequencer(), 90000)}
	if p.pc, err = api.NewPeerConnection(webrtc.Configuration{ICEServers: servers}); err != nil {
		return nil, err
	}
	if err := p.connect(endpoint); err != nil {
		go p.pc.Close() // waits for servers that do not answer
		return nil, err
	}
	return p, nil
}

func (p *Publisher) connect(endpoint string) (err error) {
	h264 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000}
	if p.track, err = webrtc.NewTrackLocalStaticRTP(h264, "video", "publisher"); err != nil {
		return err
	}
	sendonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
	transceiver, err := p.pc.AddTransceiverFromTrack(p.track, sendonly)
	if err != nil {
		return err
	}
	connected := make(chan struct{})
	var once sync.Once
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	// Without candidates: the server learns the publisher's address by itself.
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	answer, session, err := viewer.Post(endpoint, offer.SDP)
	if err != nil {
		return err
	}
	p.session = session
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return err
	}
	go p.listen(transceiver.Sender())
	select {
	case <-connected:
		return nil
	case <-time.After(connectTime):
		return fmt.Errorf("still %s after %v", p.pc.ConnectionState(), connectTime)
	}
}

// listen notes the keyframes that are asked for until the connection closes.
func (p *Publisher) listen(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			if _, ok := packet.(*rtcp.PictureLossIndication); ok {
				p.mu.Lock()
				p.requests = append(p.requests, time.Now())
				p.mu.Unlock()
			}
		}
	}
}

// KeyframeRequests are when keyframes were asked for.
func (p *Publisher) KeyframeRequests() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.requests...)
}

// Way is how the media goes, see viewer.Way.
func (p *Publisher) Way() (string, error) { return viewer.Way(p.pc) }

// WriteTag sends the picture of a tag of H.264, with its time of showing, which
// is all that RTP tells of it. It passes over other tags.
func (p *Publisher) WriteTag(tag rtmp.Tag) error {
	const header, avc = 5, 7 // Adobe FLV 10.1 §E.4.3.1
	if tag.Type != rtmp.Video || len(tag.Body) < header || tag.Body[0]&0x0f != avc {
		return nil
	}
	if !tag.Frame() {
		if tag.Body[1] == 0 {
			p.sets = parameterSets(tag.Body[header:])
		}
		return nil
	}
	var data []byte
	if tag.Keyframe() {
		data = append(data, p.sets...)
	}
	data = appendAnnexB(data, tag.Body[header:], 4)
	for _, packet := range p.packetizer.Packetize(data, 0) {
		packet.Timestamp = tag.PTS() * 90
		if err := p.track.WriteRTP(packet); err != nil {
			return err
		}
	}
	return nil
}

// parameterSets are those of a decoder configuration with one of each, as ffmpeg
// writes it (ISO/IEC 14496-15 §5.3.3.1), in Annex B.
func parameterSets(record []byte) []byte {
	const fixed = 6 // up to the number of sequence parameter sets
	sps := int(binary.BigEndian.Uint16(record[fixed:]))
	rest := record[fixed+2:]
	b := append([]byte{0, 0, 0, 1}, rest[:sps]...)
	rest = rest[sps+1:]
	return append(append(b, 0, 0, 0, 1), rest[2:2+int(binary.BigEndian.Uint16(rest))]...)
}

// appendAnnexB appends NAL units that lie behind lengths of 4 bytes.
func appendAnnexB(b, units []byte, size int) []byte {
	for len(units) > size {
		n := int(binary.BigEndian.Uint32(units))
		b = append(append(b, 0, 0, 0, 1), units[size:size+n]...)
		units = units[size+n:]
	}
	return b
}

// Close ends the session.
func (p *Publisher) Close() {
	_ = viewer.Delete(p.session) // the server notices anyway
	_ = p.pc.Close()
}
