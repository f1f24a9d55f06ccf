package egress

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtc"
)

const (
	videoClock = rtc.VideoClock
	audioClock = rtc.AudioClock

	// cname binds a viewer's two tracks together for synchronisation
	// (RFC 3550 §6.5.1); it doubles as the id of their one MediaStream.
	cname = "sluice"
)

// rtpWriter sends a viewer's packets: an rtc.Media, or pion where that cannot.
type rtpWriter interface {
	WriteRTP(h *rtp.Header, payload []byte) (int, error)
}

// track is one viewer's side of a stream's video or audio: it writes shared
// payloads under its own SSRC, sequence numbers and timestamp base. It is a
// webrtc.TrackLocal that pion binds once.
type track struct {
	// static
	kind  webrtc.RTPCodecType
	clock int64 // Hz
	base  uint32

	bound  chan struct{} // closed by Bind, which sets the fields up to header
	writer rtpWriter     // replaced before the first packet, if at all
	rtx    rtp.Header    // of the next retransmission; SSRC 0: not negotiated
	red    redundancy

	// IDs of header extensions; 0: not negotiated
	ccID, delayID, captureID uint8

	// owned by the sending goroutine
	header   rtp.Header // of the next packet, but for its timestamp
	next     uint32     // timestamp at which the next audio packet is no surprise
	skew     time.Duration
	packets  uint32
	octets   uint32
	picture  uint16    // picture ID of the next VP9 frame
	captured time.Time // when capture last told
	buf      []byte    // of a payload with a picture ID
	value    [extensionSize]byte
	again    rtp.Header // of a packet that is repeated as it was
	repeated []byte     // buffer of a retransmission's payload
}

func newTrack(kind webrtc.RTPCodecType, clock int64) *track {
	return &track{
		kind: kind, clock: clock, base: rand.Uint32(), bound: make(chan struct{}),
		header: rtp.Header{Version: 2, SequenceNumber: firstNumber()},
		rtx:    rtp.Header{Version: 2, SequenceNumber: firstNumber()},
	}
}

// firstNumber returns a sequence number that is far from coming round: a
// receiver who lost the first packets would not know that it did (RFC 3711
// §3.3.1).
func firstNumber() uint16 { return uint16(rand.Uint32()) >> 1 }

// Bind implements webrtc.TrackLocal.
func (t *track) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	codecs := c.CodecParameters()
	if len(codecs) == 0 {
		return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
	}
	t.writer = c.WriteStream()
	t.header.SSRC = uint32(c.SSRC())
	t.header.PayloadType = uint8(codecs[0].PayloadType)
	t.red.of = t.header.PayloadType
	for _, codec := range codecs {
		switch codec.MimeType {
		case webrtc.MimeTypeRTX:
			t.rtx.SSRC, t.rtx.PayloadType = uint32(c.SSRCRetransmission()), uint8(codec.PayloadType)
		case rtc.MimeTypeRED:
			t.red.payloadType = uint8(codec.PayloadType)
		}
	}
	extensions := c.HeaderExtensions()
	if t.kind == webrtc.RTPCodecTypeVideo && t.rtx.SSRC == 0 {
		// A packet is sent again under its own number then. It must be the same
		// to the bit, or one nonce would have been used for two.
		extensions = nil
	}
	for _, e := range extensions {
		switch e.URI {
		case rtc.TransportCC:
			t.ccID = uint8(e.ID)
		case rtc.PlayoutDelay:
			t.delayID = uint8(e.ID)
		case rtc.AbsCaptureTime:
			t.captureID = uint8(e.ID)
		}
	}
	close(t.bound)
	return codecs[0], nil
}

// Unbind implements webrtc.TrackLocal.
func (t *track) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID implements webrtc.TrackLocal.
func (t *track) ID() string { return t.kind.String() }

// RID implements webrtc.TrackLocal.
func (t *track) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (t *track) StreamID() string { return cname }

// Kind implements webrtc.TrackLocal.
func (t *track) Kind() webrtc.RTPCodecType { return t.kind }

// timestamp returns the RTP timestamp of a media time.
func (t *track) timestamp(m time.Duration) uint32 { return t.base + ticks(m, t.clock) }

// send writes a frame's packets, with an extension unless that is nil. After an
// error it goes on with the next packet: a receiver repairs one lost packet more
// easily than many.
func (t *track) send(f *Frame, timestamp uint32, extension extend) (err error) {
	t.header.Timestamp = timestamp
	t.skew = f.Skew
	for i, p := range f.Payloads {
		p = t.numbered(f, p, t.picture)
		if f.Kind == Audio {
			t.header.PayloadType, p = t.red.wrap(p, timestamp)
		}
		t.header.Marker = t.marks(f, i)
		t.extend(extension, len(p))
		if _, e := t.writer.WriteRTP(&t.header, p); e != nil {
			err = e
		}
		t.header.SequenceNumber++
		t.packets++
		t.octets += uint32(len(p)) // wraps, as RFC 3550 §6.4.1 has it
	}
	t.picture = (t.picture + 1) & 0x7fff
	t.next = timestamp + opusSamples(f)
	return err
}

// numbered returns a payload with this viewer's picture ID, where it has one.
func (t *track) numbered(f *Frame, payload []byte, picture uint16) []byte {
	if f.Encoding.Codec != media.VP9 {
		return payload
	}
	t.buf = numberVP9(t.buf, payload, picture)
	return t.buf
}

// extend puts an extension on the next packet, or takes the last one's off.
func (t *track) extend(extension extend, bytes int) {
	t.header.Extension, t.header.Extensions = false, t.header.Extensions[:0]
	if extension == nil {
		return
	}
	// A one-byte-header extension of up to 16 bytes with an ID that pion
	// negotiated is always well-formed.
	_ = t.header.SetExtension(extension(t.value[:0], bytes))
}

// capture tells now and then when a frame was captured.
func (t *track) capture(at, now time.Time) extend {
	if t.captureID == 0 || now.Before(t.captured.Add(capturePause)) {
		return nil
	}
	t.captured = now
	return constant(t.captureID, captureTime(at))
}

// repeat sends a packet once more: on the retransmission SSRC (RFC 4588 §4), or
// as it was where that was not negotiated.
func (t *track) repeat(s sentFrame, packet int) (bytes int, err error) {
	payload := t.numbered(s.frame, s.frame.Payloads[packet], s.picture)
	seq := s.first + uint16(packet)
	h := &t.rtx
	if h.SSRC == 0 {
		h = &t.again
		*h = t.header
		h.Extension, h.Extensions, h.SequenceNumber = false, nil, seq
	} else {
		t.repeated = append(binary.BigEndian.AppendUint16(t.repeated[:0], seq), payload...)
		payload = t.repeated
	}
	h.Timestamp, h.Marker = s.timestamp, packet == len(s.frame.Payloads)-1
	bytes, err = t.writer.WriteRTP(h, payload)
	h.SequenceNumber++
	return bytes, err
}

// marks decides the marker bit: the last packet of an access unit (RFC 6184
// §5.1), the first Opus packet after a gap (RFC 7587 §4.1).
func (t *track) marks(f *Frame, i int) bool {
	if f.Kind == Audio {
		return t.packets == 0 || t.header.Timestamp != t.next
	}
	return i == len(f.Payloads)-1
}

// opusSamples returns the samples of an audio frame's Opus packet.
func opusSamples(f *Frame) uint32 {
	if f.Kind != Audio {
		return 0
	}
	return uint32(media.OpusSamples(f.Payloads[0]))
}

// report returns the sender report for now, at which the stream's media time is
// m: the two are the same instant, whatever was sent last (RFC 3550 §6.4.1).
func (t *track) report(now time.Time, m time.Duration) []rtcp.Packet {
	return []rtcp.Packet{
		&rtcp.SenderReport{
			SSRC:        t.header.SSRC,
			NTPTime:     ntpTime(now),
			RTPTime:     t.timestamp(m - t.skew),
			PacketCount: t.packets,
			OctetCount:  t.octets,
		},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
			Source: t.header.SSRC,
			Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: cname}},
		}}},
	}
}

// ntpTime converts to NTP's 32.32 fixed-point seconds since 1900.
func ntpTime(t time.Time) uint64 {
	const since1900 = 2208988800 // seconds to 1970, RFC 868
	s := uint64(t.Unix()) + since1900
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return s<<32 | fraction
}
