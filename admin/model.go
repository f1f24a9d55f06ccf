package admin

import (
	"time"

	"github.com/sluice-media/sluice/egress"
)

// Streams is the answer of GET /api/v1/streams.
type Streams struct {
	Streams []Stream `json:"streams"`
}

// Stream is a stream with its publisher.
type Stream struct {
	egress.StreamInfo
	Publisher *Publisher `json:"publisher,omitempty"` // nil: viewers wait for it
}

// Publisher is who publishes a stream.
type Publisher struct {
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"` // what the encoder calls itself
	Since   time.Time `json:"since"`
	Bytes   uint64    `json:"bytes"` // of media
}

// Viewers is the answer of GET /api/v1/viewers.
type Viewers struct {
	Viewers []egress.ViewerInfo `json:"viewers"`
}

// Drain is the body of POST /api/v1/drain; it may be left out.
type Drain struct {
	Timeout string `json:"timeout,omitempty"` // as in Go, "10m"; default 5m
}

// Draining is the answer to it.
type Draining struct {
	Until      time.Time `json:"until"` // Sluice ends at the latest
	Publishers int       `json:"publishers"`
	Viewers    int       `json:"viewers"`
}

// Problem is the body of every error (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }
