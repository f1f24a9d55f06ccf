package ingest

import (
	"errors"
	"fmt"
	"os"

	"github.com/sluice-media/sluice/depacketize"
	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/guard"
	"github.com/sluice-media/sluice/metrics/meter"
)

// Code is the code of a refusal, one of those that OBS understands.
type Code string

const (
	// BadName says that the stream's name is taken.
	BadName Code = "NetStream.Publish.BadName"

	// Rejected says that the client may not publish.
	Rejected Code = "NetStream.Publish.Rejected"
)

// Refusal is an error that tells the client why it may not publish. ffmpeg and
// GStreamer show the description; OBS shows a dialog of its own.
type Refusal struct {
	Code        Code
	Description string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Description }

// refusalOf returns what a client is told about an error of a Publisher.
func refusalOf(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return &Refusal{Rejected, "the server cannot take this stream now"}
}

// refuseExcess tells the client what it has too much of.
func refuseExcess(err error) error {
	return fmt.Errorf("%w: %w", err, rejected("%v", err))
}

// Reasons why Sluice ended a connection, the values of a metric label, beside
// those of meter.Excess.
const (
	reasonClosing     = "closing"
	reasonConnections = "too_many_connections"
	reasonAddress     = "too_many_from_address"
	reasonNotRTMP     = "not_rtmp"
	reasonTLS         = "tls"
	reasonPublishTime = "publish_timeout"
	reasonIdle        = "idle_timeout"
	reasonMessage     = "message_size"
	reasonStreams     = "chunk_streams"
	reasonPending     = "unfinished_messages"
	reasonMemory      = "memory"
	reasonAMF         = "amf_limit"
	reasonMalformed   = "malformed"
	reasonDeaf        = "not_reading"
	reasonPlay        = "play"
	reasonBadName     = "bad_name"
	reasonRejected    = "rejected"
	reasonCodec       = "unsupported_codec"
	reasonWriter      = "stream_ended"
	reasonEnded       = "ended"
	reasonInternal    = "internal"
)

var (
	// errWriter is wrapped by errors of the media.Writer.
	errWriter = errors.New("stream ended")

	// errEnded is wrapped by causes of Request.End.
	errEnded = errors.New("ended by the server")

	// errServerClosed: Close was called.
	errServerClosed = errors.New("the server is closing")

	// errLibrary stands for a connection that go-rtmp gave up for a reason
	// of its own. With the guard under it that should not happen.
	errLibrary = errors.New("go-rtmp gave the connection up")
)

// reason returns the metric label for what ended a connection; empty: the
// client or the network ended it.
func reason(err error, published bool) string {
	var refusal *Refusal
	var excess *meter.Excess
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case is(chunk.ErrMemory):
		return reasonMemory
	case errors.As(err, &excess):
		return excess.Reason
	case errors.As(err, &refusal) && refusal.Code == BadName:
		return reasonBadName
	case refusal != nil, is(errRefused):
		return reasonRejected
	case is(errEnded):
		return reasonEnded
	case is(errWriter):
		return reasonWriter
	case is(errTLS) && !is(os.ErrDeadlineExceeded):
		return reasonTLS
	case is(guard.ErrNotRTMP):
		return reasonNotRTMP
	case is(chunk.ErrMessage):
		return reasonMessage
	case is(chunk.ErrStreams):
		return reasonStreams
	case is(chunk.ErrPending):
		return reasonPending
	case is(amf0.ErrLimit):
		return reasonAMF
	case is(chunk.ErrMalformed), is(amf0.ErrMalformed), is(guard.ErrProtocol):
		return reasonMalformed
	case is(guard.ErrDeaf):
		return reasonDeaf
	case is(guard.ErrPlay):
		return reasonPlay
	case is(depacketize.ErrUnsupportedCodec):
		return reasonCodec
	case is(errLibrary):
		return reasonInternal
	case is(os.ErrDeadlineExceeded) && published:
		return reasonIdle
	case is(os.ErrDeadlineExceeded):
		return reasonPublishTime
	default:
		return ""
	}
}
