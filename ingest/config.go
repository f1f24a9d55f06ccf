package ingest

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/guard"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/metrics/meter"
)

// Request is what a client that wants to publish said of itself. App and Key have
// been checked: they hold letters, digits and - . _ ~ only.
type Request struct {
	// App and Key are the parts of the URL. Key may be a secret.
	App, Key string

	// Query holds the parameters of the URL, wherever the client put them:
	// rtmp://host/app/key?token=… or rtmp://host/app?token=…/key.
	Query url.Values

	RemoteAddr netip.AddrPort

	// Agent is the client's flashVer, such as
	// "FMLE/3.0 (compatible; FMSc/1.0)" (OBS); untrusted text, perhaps empty.
	Agent string

	// End ends the publication from any goroutine, for the cause given. It
	// does not wait for the Writer's Close.
	End func(cause error)

	// Tell tells the publisher something that changes nothing, from any
	// goroutine: the onStatus "NetStream.Publish.Warning", which clients pass
	// over or log.
	Tell func(text string)
}

// Publisher decides about a publication and returns the stream's public name,
// which is logged and labels metrics, and where its frames go. An error refuses it: a *Refusal with what it says, any other with a neutral
// text. ctx is done when the connection ends or the server closes.
//
// The server closes the Writer when the publication ends.
type Publisher func(ctx context.Context, r Request) (stream string, w media.Writer, err error)

// Config configures a Server. The zero value of a field means its default.
type Config struct {
	// Publish decides about each publication. Required.
	Publish Publisher

	// Metrics takes the numbers. Required.
	Metrics *metrics.Metrics

	// Logger takes the lifecycle of connections. Default slog.Default().
	Logger *slog.Logger

	// MaxConnections bounds the connections open at a time. One that has not
	// published costs up to 300 KiB. Default 1000.
	MaxConnections int

	// MaxPerAddress bounds those from one IPv4 address or IPv6 /64, so that
	// one client cannot take all. Default 100.
	MaxPerAddress int

	// MaxCommand bounds a command, in bytes; until a publication is accepted two
	// may be under way. Default chunk.MaxCommand.
	MaxCommand int

	// AMF bounds what is in a command. Default: amf0's.
	AMF amf0.Limits

	// MaxChunkStreams bounds a connection's. Default chunk.MaxStreams.
	MaxChunkStreams int

	// MaxMessage bounds an audio, video or aggregate message, in bytes; what
	// one publisher may have under way is half as much more. Default
	// chunk.MaxMessage.
	MaxMessage int

	// MaxMemory bounds what the unfinished messages of all publishers hold
	// together beyond chunk.Free bytes each. Default 256 MiB.
	MaxMemory int

	// MaxBitrate bounds what a publisher sends, in bit/s, averaged over about
	// 10 s. Default: it may send what it likes.
	MaxBitrate int

	// MaxResolution bounds the pictures. Default: they may have any size.
	MaxResolution meter.Resolution

	// PublishTimeout bounds the time from a connection to its publication.
	// Default 10 s.
	PublishTimeout time.Duration

	// IdleTimeout is how long a publisher may send no audio and no video;
	// until then a connection that died silently holds its stream's name.
	// Default 30 s.
	IdleTimeout time.Duration

	// WriteTimeout bounds the sending of one reply. Default 5 s.
	WriteTimeout time.Duration
}

func (c Config) withDefaults() (Config, error) {
	if c.Publish == nil {
		return c, errors.New("ingest config: no Publish")
	}
	if c.Metrics == nil {
		return c, errors.New("ingest config: no Metrics")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.MaxConnections <= 0 {
		c.MaxConnections = 1000
	}
	if c.MaxPerAddress <= 0 {
		c.MaxPerAddress = 100
	}
	if c.MaxMemory <= 0 {
		c.MaxMemory = 256 << 20
	}
	return c, nil
}

func (c Config) guard(session *session, budget *chunk.Budget) guard.Config {
	return guard.Config{
		Media: session.media,
		Limits: chunk.Limits{
			Command: c.MaxCommand,
			Message: c.MaxMessage,
			Streams: c.MaxChunkStreams,
			Budget:  budget,
			Evict:   func() { session.finish(chunk.ErrMemory) },
		},
		AMF:            c.AMF,
		Abilities:      abilities(),
		PublishTimeout: c.PublishTimeout,
		IdleTimeout:    c.IdleTimeout,
		WriteTimeout:   c.WriteTimeout,
	}
}
