package contribute

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/metrics/meter"
	"github.com/sluice-media/sluice/rtc"
)

// Request is what a client that wants to publish said of itself.
type Request struct {
	App, Name  string // of the URL
	Token      string // "": none was given
	RemoteAddr netip.AddrPort
	Agent      string // untrusted text, perhaps empty
}

// Admitted is the answer to a Request that may publish.
type Admitted struct {
	// Stream is the public name.
	Stream string

	// Open takes the name, with ErrTaken if another one has it, and returns
	// where the frames go. end ends the publication from any goroutine, for
	// the cause given, without waiting for the Writer's Close.
	Open func(ctx context.Context, end func(cause error)) (Writer, error)

	// Forget is called if nothing was opened.
	Forget func()
}

// Writer is where the frames of a publication go.
type Writer interface {
	media.Writer

	// KeyframeNeeded reports whether a viewer needs a keyframe, and forgets it.
	// It is called by the goroutine that calls WriteVideo.
	KeyframeNeeded() bool
}

// Config is what a Server needs. The zero value of a field means its default.
type Config struct {
	// Transport is what publishers are reached by; required. It stays open.
	Transport *rtc.Transport

	// Admit decides about each publication; required.
	Admit func(ctx context.Context, r Request) (Admitted, error)

	// MaxPublishers bounds the publishers at a time; default 1000.
	MaxPublishers int

	// MaxPerAddress bounds those of one IPv4 address or IPv6 /64; default 100.
	MaxPerAddress int

	// IdleTimeout is how long a publisher may send no audio and no video;
	// default 30 s.
	IdleTimeout time.Duration

	// MaxBitrate bounds what a publisher sends, in bit/s over ten seconds, and
	// MaxResolution its pictures; default any.
	MaxBitrate    int
	MaxResolution meter.Resolution

	// Logger takes the lifecycle of publications; default slog.Default().
	Logger *slog.Logger

	// Metrics takes the numbers; required.
	Metrics *metrics.Metrics
}

func (c Config) withDefaults() Config {
	c.MaxPublishers = cmp.Or(c.MaxPublishers, 1000)
	c.MaxPerAddress = cmp.Or(c.MaxPerAddress, 100)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 30*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}
