package egress

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtc"
)

// StreamInfo is what the API and the pages say of a stream.
type StreamInfo struct {
	Name    string     `json:"name"`  // app/key
	Live    bool       `json:"live"`  // a publisher is connected
	Since   time.Time  `json:"since"` // start of the present or last publication
	Viewers int        `json:"viewers"`
	Video   *VideoInfo `json:"video,omitempty"`
	Audio   *AudioInfo `json:"audio,omitempty"`

	// Metadata are the publisher's own words (onMetaData): its encoder, and
	// what that was set to.
	Metadata media.Metadata `json:"metadata,omitempty"`

	// Color is what it says of the colours (colorInfo of Enhanced RTMP): numbers
	// of ITU-T H.273, and brightness of HDR.
	Color media.Metadata `json:"color,omitempty"`

	// Tracks are all that it sends, where there are several of a kind.
	Tracks []media.Track `json:"tracks,omitempty"`
}

// VideoInfo describes the video that viewers get.
type VideoInfo struct {
	Codec     string  `json:"codec"`
	Width     int     `json:"width"`  // pixels
	Height    int     `json:"height"` // pixels
	FrameRate float64 `json:"frameRate,omitempty"`
	BFrames   bool    `json:"bFrames"`             // the publisher's video has them
	Treatment string  `json:"treatment,omitempty"` // what is done because browsers would not show it: see media.Action
	Hint      string  `json:"hint,omitempty"`      // what the streamer should change
}

// AudioInfo describes the audio, as viewers get it or, while nobody listens,
// as the publisher sends it.
type AudioInfo struct {
	Codec      string `json:"codec"`
	SampleRate int    `json:"sampleRate"` // Hz
	Channels   int    `json:"channels"`
}

// LogValue writes the format in a log line's few words.
func (v *VideoInfo) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("%s %dx%d %.4g fps, B-frames: %t%s", v.Codec, v.Width, v.Height, v.FrameRate, v.BFrames, v.treatment()))
}

// LogValue writes the format in a log line's few words.
func (a *AudioInfo) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("%s %d Hz, %d channels", a.Codec, a.SampleRate, a.Channels))
}

func (v *VideoInfo) treatment() string {
	if v.Treatment == "" {
		return ""
	}
	return ", " + v.Treatment
}

// frameRateSpan is the media time over which the frame rate is measured.
const frameRateSpan = 2 * time.Second

// facts are what a hub has seen of its publication.
type facts struct {
	since time.Time
	video *VideoInfo // replaced, never changed
	audio *AudioInfo // replaced, never changed
	words media.Description

	treatment media.Treatment // of the last access unit
	sets      *media.ParameterSets
	config    *media.AudioConfig
	audioKind media.Codec
	lastPTS   time.Duration
	spanStart time.Duration
	spanCount int
}

// noteVideo takes note of an access unit and reports whether the format
// changed.
func (f *facts) noteVideo(au *media.AccessUnit) bool {
	treatment := f.treat(au)
	rate, measured := f.measureRate(au.DTS)
	changed := f.video == nil || f.sets != au.ParameterSets || treatment != f.treatment
	if !changed && !measured {
		return false
	}
	v := VideoInfo{Codec: au.Codec.String(), FrameRate: rate}
	if f.sets = au.ParameterSets; f.sets != nil {
		v.Width, v.Height = f.sets.Width, f.sets.Height
		if f.sets.FrameRate > 0 {
			v.FrameRate = f.sets.FrameRate
		}
	}
	if f.treatment = treatment; treatment.Cause != "" {
		v.BFrames = treatment.Cause == media.BFrames
		v.Treatment, v.Hint = string(treatment.Action), treatment.Hint()
	}
	old := f.video
	changed = old == nil || old.Width != v.Width || old.Height != v.Height || old.Codec != v.Codec ||
		old.BFrames != v.BFrames || old.Hint != v.Hint
	f.video = &v
	return changed
}

// treat returns the treatment of an access unit. Where no stage before has
// looked for B-frames they show in times that go back.
func (f *facts) treat(au *media.AccessUnit) (t media.Treatment) {
	switch {
	case au.Treatment != nil:
		t = *au.Treatment
		t.Withheld = false // nobody knows of it but the hub
	case f.treatment.Action == media.Passed && !au.IDR, au.PTS < f.lastPTS,
		au.ParameterSets != nil && au.ParameterSets.ReorderFrames > 0 && au.PTS > au.DTS:
		t = media.Treatment{Cause: media.BFrames, Action: media.Passed}
	}
	f.lastPTS = au.PTS
	return t
}

// measureRate counts frames and returns the last rate known, and whether it
// was measured anew just now.
func (f *facts) measureRate(dts time.Duration) (float64, bool) {
	rate := 0.0
	if f.video != nil {
		rate = f.video.FrameRate
	}
	span := dts - f.spanStart
	if f.spanCount == 0 || span < 0 {
		f.spanStart, f.spanCount = dts, 1
		return rate, false
	}
	if span < frameRateSpan {
		f.spanCount++
		return rate, false
	}
	rate = float64(f.spanCount) / span.Seconds()
	f.spanStart, f.spanCount = dts, 1
	return rate, true
}

// noteAudio takes note of an audio frame and reports whether the format
// changed.
func (f *facts) noteAudio(a *media.AudioFrame) bool {
	if f.audio != nil && f.config == a.Config && f.audioKind == a.Codec {
		return false
	}
	info := AudioInfo{Codec: a.Codec.String()}
	if a.Config != nil {
		info.SampleRate, info.Channels = a.Config.SampleRate, a.Config.Channels
	}
	f.config, f.audioKind = a.Config, a.Codec
	changed := f.audio == nil || *f.audio != info
	f.audio = &info
	return changed
}

// Describe implements media.Describer.
func (p *Publication) Describe(d media.Description) {
	h := p.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.publication == p {
		h.facts.words = d
	}
}

// noteFormat tells the operator of a new video format; mu is held.
func (h *Hub) noteFormat(v *VideoInfo) {
	h.log.Info("video", "format", v)
	h.metrics.BFrames.Set(0)
	if v.BFrames {
		h.metrics.BFrames.Set(1)
	}
	if v.Hint != "" {
		h.log.Warn(v.Hint)
	}
}

// info returns what there is to say of the stream.
func (h *Hub) info() StreamInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	return StreamInfo{
		Name: h.name, Live: h.publication != nil, Since: h.facts.since, Viewers: len(h.guests),
		Video: h.facts.video, Audio: h.facts.audio,
		Metadata: h.facts.words.Metadata, Color: h.facts.words.Color, Tracks: h.facts.words.Tracks,
	}
}

// target returns what viewers who join now are to get: the video of the present
// publication or, before it has sent any, of the last one; H.264 if nobody knows
// yet. A session that guessed wrong ends with the first frame.
func (h *Hub) target() rtc.Target {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := rtc.Target{Encoding: h.encoding}
	if t.Codec == 0 {
		t.Codec = media.H264
	}
	if h.facts.sets != nil && t.Codec == media.H264 {
		t.H264 = h.facts.sets.ProfileLevelID[:]
	}
	return t
}
