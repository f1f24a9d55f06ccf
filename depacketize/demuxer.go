// Package depacketize turns FLV and Enhanced RTMP audio and video tags into
// access units and audio frames on one continuous media clock.
//
// It starts no goroutine, reads no clock, logs nothing and touches no socket:
// the time comes in as an argument, the frames go out to a media.Writer, and a
// Demuxer belongs to the goroutine that calls it.
package depacketize

import (
	"errors"
	"slices"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Demuxer takes the audio and video messages of one publication and writes
// their frames to a media.Writer. Frames are slices of the message bodies.
type Demuxer struct {
	w     media.Writer
	clock clock
	video struct {
		codec  fourCC
		stream videoStream // nil: nothing came yet
	}
	audio struct {
		codec  fourCC
		stream audioStream // nil: nothing came yet
	}
	others []media.Track // not served; replaced, never changed
	color  []byte
}

// videoStream turns the packets of one codec into access units.
type videoStream interface {
	// configure takes a decoder configuration record.
	configure(record []byte) error
	// accessUnit returns the access unit in a packet without its times, nil if
	// there is none to emit.
	accessUnit(data []byte) (*media.AccessUnit, error)
	// lose makes the stream go on at the next IDR.
	lose()
}

// audioStream turns the packets of one codec into audio frames.
type audioStream interface {
	// configure takes a decoder configuration. One that cannot be read leaves
	// the last in force.
	configure(config []byte) error
	// frame returns the audio frame in a packet without its time, nil if it is
	// empty.
	frame(data []byte) (*media.AudioFrame, error)
}

// NewDemuxer returns a Demuxer that writes to w. It never closes w.
func NewDemuxer(w media.Writer) *Demuxer {
	return &Demuxer{w: w}
}

// Jumps counts the jumps and resets of the publisher's timestamps that were
// made continuous.
func (d *Demuxer) Jumps() uint64 { return d.clock.jumps }

// maxTracks is how many tracks that are not served are told of. OBS sends 5 more.
const maxTracks = 16

// maxColor is how many bytes are kept of what is said of the colours: all fields
// of the specification have 400.
const maxColor = 1 << 10

// Tracks returns all tracks, none as long as there is but one of each kind.
func (d *Demuxer) Tracks() (all []media.Track) {
	if len(d.others) == 0 {
		return nil
	}
	if d.video.stream != nil {
		all = append(all, media.Track{Kind: "video", Codec: d.video.codec.common(), Served: true})
	}
	if d.audio.stream != nil {
		all = append(all, media.Track{Kind: "audio", Codec: d.audio.codec.common(), Served: true})
	}
	return append(all, d.others...)
}

// Color returns what the publisher said last of the colours: AMF 0, of Enhanced
// RTMP's metadata packet.
func (d *Demuxer) Color() []byte { return d.color }

// note takes note of tracks that begin and are not served.
func (d *Demuxer) note(kind string, begun []exTrack) {
	for _, b := range begun {
		t := media.Track{Kind: kind, ID: int(b.id), Codec: b.fourCC.common()}
		same := func(o media.Track) bool { return o.Kind == kind && o.ID == t.ID }
		switch i := slices.IndexFunc(d.others, same); {
		case i >= 0 && d.others[i] == t:
		case i >= 0:
			d.others = slices.Clone(d.others)
			d.others[i] = t
		case len(d.others) < maxTracks:
			d.others = append(slices.Clip(d.others), t)
		}
	}
}

// Video takes a video message: its RTMP timestamp in ms, its body (an FLV tag
// body, which the Demuxer owns from now on) and when it had been read whole.
//
// After an error that is ErrCorrupt the next message may follow, and video goes
// on at the next IDR; any other error ends the publication.
func (d *Demuxer) Video(timestamp uint32, body []byte, arrival time.Time) error {
	p, err := parseVideoTag(body)
	d.note("video", p.begun)
	var au *media.AccessUnit
	if err == nil {
		au, err = d.accessUnit(p)
	}
	if errors.Is(err, ErrCorrupt) && d.video.stream != nil {
		d.video.stream.lose()
	}
	if au == nil || err != nil {
		return err
	}
	au.PTS, au.DTS = d.clock.video(timestamp, p.fraction, p.offset, arrival)
	au.Arrival = arrival
	return d.w.WriteVideo(au)
}

// accessUnit returns the access unit of a packet, nil if there is none to emit.
// Another codec begins anew.
func (d *Demuxer) accessUnit(p packet) (*media.AccessUnit, error) {
	switch p.kind {
	case ignoredPacket:
		return nil, nil
	case colorPacket:
		if len(p.data) <= maxColor {
			d.color = p.data
		}
		return nil, nil
	case configPacket, framePacket:
	}
	if d.video.codec != p.codec {
		d.video.codec, d.video.stream = p.codec, newVideoStream(p.codec)
	}
	if p.kind == configPacket {
		return nil, d.video.stream.configure(p.data)
	}
	return d.video.stream.accessUnit(p.data)
}

func newVideoStream(codec fourCC) videoStream {
	switch codec {
	case fourCCHEVC:
		return &hevcStream{}
	case fourCCAV1:
		return &av1Stream{}
	case fourCCVP9:
		return &vp9Stream{}
	default:
		return &avcStream{}
	}
}

// Audio takes an audio message, as Video does a video message.
func (d *Demuxer) Audio(timestamp uint32, body []byte, arrival time.Time) error {
	p, err := parseAudioTag(body)
	d.note("audio", p.begun)
	if err != nil || p.kind == ignoredPacket {
		return err
	}
	if d.audio.codec != p.codec {
		d.audio.codec, d.audio.stream = p.codec, newAudioStream(p.codec)
	}
	if p.kind == configPacket {
		return d.audio.stream.configure(p.data)
	}
	f, err := d.audio.stream.frame(p.data)
	if f == nil || err != nil {
		return err
	}
	f.PTS = d.clock.audio(timestamp, p.fraction, arrival)
	f.Arrival = arrival
	return d.w.WriteAudio(f)
}

func newAudioStream(codec fourCC) audioStream {
	switch codec {
	case fourCCOpus:
		return &opusStream{}
	case fourCCMP3:
		return &mp3Stream{}
	default:
		return &aacStream{}
	}
}
