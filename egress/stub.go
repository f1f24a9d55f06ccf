package egress

// Temporary: the signatures that whip and cmd build on, until the real files replace it.

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
)

var (
	ErrNoStream       = errors.New("no such stream")
	ErrNotLive        = errors.New("stream has no publisher now")
	ErrStreamBusy     = errors.New("stream already has a publisher")
	ErrTooManyViewers = errors.New("too many viewers")
	ErrBadOffer       = errors.New("bad offer")       // malformed or contradictory SDP: 400
	ErrNoCommonCodec  = errors.New("no common codec") // 422
	ErrClosed         = errors.New("server closed")
	// causes of a viewer's end, see Viewer.Context
	ErrViewerClosed   = errors.New("viewer closed") // Close was called (DELETE)
	ErrNeverConnected = errors.New("viewer never connected")
	ErrConsentLost    = errors.New("viewer lost consent")
	ErrViewerLeft     = errors.New("viewer left") // DTLS close_notify
	ErrStreamEnded    = errors.New("stream ended")
)

type Config struct {
	UDPAddr    string        // default ":8189"
	PublicIPs  []netip.Addr  // replace the host candidates
	MaxViewers int           // per stream, default 5000
	Grace      time.Duration // how long viewers wait for their publisher to come back; default 60 s
	Logger     *slog.Logger
	Metrics    *metrics.Metrics // required
}

type Server struct{}

func New(Config) (*Server, error)                             { return nil, nil } // binds the UDP port
func (s *Server) UDPAddr() netip.AddrPort                     { return netip.AddrPort{} }
func (s *Server) Publish(stream string) (*Publication, error) { return nil, nil }
func (s *Server) Play(stream, offer string) (*Viewer, error)  { return nil, nil }
func (s *Server) Streams() []StreamInfo                       { return nil } // sorted by name
func (s *Server) Close() error                                { return nil } // ends publications and viewers, waits

type Publication struct{ media.Writer } // Hub side of one publisher

func (p *Publication) HasViewers() bool { return false }

type Viewer struct{}

func (v *Viewer) Answer() string                      { return "" }
func (v *Viewer) Ufrag() string                       { return "" }  // ice-ufrag of the offer
func (v *Viewer) AddCandidate(candidate string) error { return nil } // value of one a=candidate line, "candidate:..." ; ignored when its kind cannot be used
func (v *Viewer) Context() context.Context            { return nil } // done when the viewer has ended; context.Cause tells why
func (v *Viewer) Close() error                        { return nil } // DTLS close_notify, frees everything, waits

type StreamInfo struct {
	Name    string     `json:"name"` // app/key
	Live    bool       `json:"live"`
	Since   time.Time  `json:"since"` // of the present publication
	Viewers int        `json:"viewers"`
	Video   *VideoInfo `json:"video,omitempty"`
	Audio   *AudioInfo `json:"audio,omitempty"`
}

type VideoInfo struct {
	Codec     string  `json:"codec"` // "H.264"
	Width     int     `json:"width"`
	Height    int     `json:"height"`
	FrameRate float64 `json:"frameRate,omitempty"`
	BFrames   bool    `json:"bFrames"`
	Hint      string  `json:"hint,omitempty"` // what the streamer should change, in a sentence
}

type AudioInfo struct {
	Codec      string `json:"codec"` // "Opus"
	SampleRate int    `json:"sampleRate"`
	Channels   int    `json:"channels"`
}
