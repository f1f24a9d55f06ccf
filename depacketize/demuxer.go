// Package depacketize turns FLV and Enhanced RTMP audio and video tags into
// access units and audio frames on one continuous media clock.
//
// It starts no goroutine, reads no clock, logs nothing and touches no socket:
// the time comes in as an argument, the frames go out to a media.Writer, and a
// Demuxer belongs to the goroutine that calls it.
package depacketize

import (
	"errors"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Demuxer takes the audio and video messages of one publication and writes
// their frames to a media.Writer. Frames are slices of the message bodies.
type Demuxer struct {
	w     media.Writer
	clock clock
	avc   avcStream
	aac   aacStream
}

// NewDemuxer returns a Demuxer that writes to w. It never closes w.
func NewDemuxer(w media.Writer) *Demuxer {
	return &Demuxer{w: w}
}

// Jumps counts the jumps and resets of the publisher's timestamps that were
// made continuous.
func (d *Demuxer) Jumps() uint64 { return d.clock.jumps }

// Video takes a video message: its RTMP timestamp in ms, its body (an FLV tag
// body, which the Demuxer owns from now on) and when it had been read whole.
//
// After an error that is ErrCorrupt the next message may follow, and video goes
// on at the next IDR; any other error ends the publication.
func (d *Demuxer) Video(timestamp uint32, body []byte, arrival time.Time) error {
	au, offset, err := d.accessUnit(body)
	if errors.Is(err, ErrCorrupt) {
		d.avc.synced = false
	}
	if au == nil || err != nil {
		return err
	}
	au.PTS, au.DTS = d.clock.video(timestamp, offset, arrival)
	au.Arrival = arrival
	return d.w.WriteVideo(au)
}

// accessUnit returns the access unit that a tag holds, nil if there is none to
// emit, and its composition time offset.
func (d *Demuxer) accessUnit(body []byte) (*media.AccessUnit, time.Duration, error) {
	p, err := parseVideoTag(body)
	if err != nil {
		return nil, 0, err
	}
	switch p.kind {
	case configPacket:
		return nil, 0, d.avc.configure(p.data)
	case framePacket:
		au, err := d.avc.accessUnit(p.data)
		return au, p.offset, err
	default:
		return nil, 0, nil
	}
}

// Audio takes an audio message, as Video does a video message.
func (d *Demuxer) Audio(timestamp uint32, body []byte, arrival time.Time) error {
	p, err := parseAudioTag(body)
	if err != nil {
		return err
	}
	switch p.kind {
	case configPacket:
		return d.aac.configure(p.data)
	case framePacket:
		f, err := d.aac.frame(p.data)
		if f == nil || err != nil {
			return err
		}
		f.PTS = d.clock.audio(timestamp, arrival)
		f.Arrival = arrival
		return d.w.WriteAudio(f)
	default:
		return nil
	}
}
