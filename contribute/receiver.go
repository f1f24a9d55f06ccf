package contribute

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/depacketize"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
)

const (
	// maxPacket is the largest packet read, in bytes.
	maxPacket = 2048
	// idlePause is how often a track is looked at that sends nothing.
	idlePause = time.Second
)

// receiver turns the packets of one track into frames. It belongs to the
// goroutine that reads the track.
type receiver struct {
	// static
	clock    *clock
	timeline *timeline
	writer   media.Writer
	series   *metrics.Contribution
	bytes    prometheus.Counter
	lost     prometheus.Counter

	order reorder

	// of video; nil pictures: audio
	pictures  *depacketize.Pictures
	assembler assembler
	keyframes keyframes
	needed    func() bool // by a viewer

	// of audio
	config *media.AudioConfig
}

func newVideoReceiver(p *Publisher) *receiver {
	r := &receiver{
		clock: p.clock, timeline: &p.clock.video, writer: p.writer,
		series: p.series, bytes: p.series.VideoBytes, lost: p.series.VideoLost,
		pictures:  depacketize.NewPictures(p.codec),
		assembler: assembler{codec: p.codec},
		needed:    p.needed,
	}
	r.order.repairs = p.repairs
	return r
}

func newAudioReceiver(p *Publisher) *receiver {
	return &receiver{
		clock: p.clock, timeline: &p.clock.audio, writer: p.writer,
		series: p.series, bytes: p.series.AudioBytes, lost: p.series.AudioLost,
		config: &media.AudioConfig{SampleRate: media.OpusRate, Channels: 2},
	}
}

// take takes a packet as it came, nil if only time has passed. An error ends
// the publication.
func (r *receiver) take(p *rtp.Packet, now time.Time) error {
	if p != nil {
		r.order.push(p, now)
	}
	lost := r.order.lost
	for {
		p, gap := r.order.pop(now)
		if p == nil {
			break
		}
		var err error
		if r.pictures != nil {
			err = r.video(p, gap, now)
		} else {
			err = r.audio(p, now)
		}
		if err != nil {
			return err
		}
	}
	r.lost.Add(float64(r.order.lost - lost))
	return nil
}

// video takes the next packet in order.
func (r *receiver) video(p *rtp.Packet, gap bool, now time.Time) (err error) {
	if gap {
		r.assembler.lose()
		r.pictures.Lose()
		r.keyframes.lost()
	}
	broken := r.assembler.add(p, func(data []byte, time uint32) {
		if err == nil {
			err = r.picture(data, time, now)
		}
	})
	if broken != nil {
		r.series.VideoCorrupt.Inc()
		r.pictures.Lose()
		r.keyframes.lost()
	}
	return err
}

// picture writes a coded picture.
func (r *receiver) picture(data []byte, rtp uint32, now time.Time) error {
	au, err := r.pictures.AccessUnit(data)
	switch {
	case errors.Is(err, depacketize.ErrCorrupt):
		r.series.VideoCorrupt.Inc()
		r.keyframes.lost()
		return nil
	case au == nil || err != nil:
		return err
	}
	if au.IDR {
		r.keyframes.came(now)
	}
	au.Arrival = now
	au.PTS, au.DTS = r.clock.place(r.timeline, rtp, reorderingOf(au.ParameterSets, r.timeline.rate), now)
	return r.writer.WriteVideo(au)
}

// audio writes an Opus packet.
func (r *receiver) audio(p *rtp.Packet, now time.Time) error {
	samples := media.OpusSamples(p.Payload)
	if samples == 0 || samples > media.OpusMost {
		if len(p.Payload) > 0 {
			r.series.AudioCorrupt.Inc()
		}
		return nil
	}
	return r.writer.WriteAudio(&media.AudioFrame{
		Codec:    media.Opus,
		PTS:      r.clock.at(r.timeline, p.Timestamp, now),
		Duration: time.Duration(samples) * time.Second / media.OpusRate,
		Data:     p.Payload,
		Config:   r.config,
		Arrival:  now,
	})
}

// feedback returns what the publisher is to be told now.
func (r *receiver) feedback(ssrc uint32, now time.Time) (list []rtcp.Packet) {
	if r.pictures == nil {
		return nil
	}
	if missing := r.order.ask(now); len(missing) > 0 {
		r.series.Requested.Add(float64(len(missing)))
		list = append(list, &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(missing)})
	}
	if r.keyframes.wanted(now, r.needed) {
		r.series.KeyframeRequests.Inc()
		list = append(list, &rtcp.PictureLossIndication{MediaSSRC: ssrc})
	}
	return list
}

// due returns when to take time's passing into account.
func (r *receiver) due(now time.Time) time.Time {
	at := now.Add(idlePause)
	list := []time.Time{r.order.due()}
	if r.pictures != nil {
		list = append(list, r.keyframes.due())
	}
	for _, t := range list {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	return at
}

// read reads a track until its connection closes.
func (p *Publisher) read(t *webrtc.TrackRemote, r *receiver) {
	buf := make([]byte, maxPacket)
	for p.ctx.Err() == nil {
		_ = t.SetReadDeadline(r.due(time.Now())) // fails where Read does
		n, _, err := t.Read(buf)
		now := time.Now()
		var timeout net.Error
		var packet *rtp.Packet
		switch {
		case err == nil:
			packet = &rtp.Packet{}
			if packet.Unmarshal(append([]byte(nil), buf[:n]...)) != nil {
				continue
			}
			r.bytes.Add(float64(n))
			p.heard.Store(now.UnixNano())
		case errors.As(err, &timeout) && timeout.Timeout():
		case errors.Is(err, webrtc.ErrCodecNotFound):
			continue // of a format that was not negotiated
		default:
			return
		}
		err = p.rate.Take(n, now)
		if err == nil {
			err = r.take(packet, now)
		}
		if err != nil {
			p.end(fmt.Errorf("%w: %w", ErrStream, err))
			return
		}
		if list := r.feedback(uint32(t.SSRC()), now); len(list) > 0 {
			_ = p.peer.WriteRTCP(list) // the connection's end shows elsewhere
		}
	}
}

// readReports reads a track's sender reports until its connection closes.
func (p *Publisher) readReports(receiver *webrtc.RTPReceiver, ssrc uint32, t *timeline) {
	buf := make([]byte, maxPacket)
	for {
		n, _, err := receiver.Read(buf)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue // a broken report is the publisher's own loss
		}
		for _, packet := range packets {
			if sr, ok := packet.(*rtcp.SenderReport); ok && sr.SSRC == ssrc { // one packet may hold those of both tracks
				p.clock.report(t, sr.NTPTime, sr.RTPTime)
			}
		}
	}
}
