package main

import (
	"errors"

	"github.com/sluice-media/sluice/access"
	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/transcode"
)

// seated is the first stage of a publication: it shows that the publisher is
// alive, and gives the name back when all stages behind it are closed.
type seated struct {
	media.Writer
	media.Describer // the last stage: metadata pass the others by

	needed func() bool // a keyframe of the publisher's

	seat *access.Seat
	done func() // tells the hooks
}

// WriteVideo implements media.Writer.
func (s *seated) WriteVideo(au *media.AccessUnit) error {
	bytes := 0
	for _, unit := range au.NALUs {
		bytes += len(unit)
	}
	s.seat.Heard(au.Arrival, bytes)
	err := s.Writer.WriteVideo(au)
	if unplayable := (*transcode.UnplayableError)(nil); errors.As(err, &unplayable) {
		return &ingest.Refusal{Code: ingest.Rejected, Description: unplayable.Error()}
	}
	return err
}

// WriteAudio implements media.Writer.
func (s *seated) WriteAudio(f *media.AudioFrame) error {
	s.seat.Heard(f.Arrival, len(f.Data))
	return s.Writer.WriteAudio(f)
}

// KeyframeNeeded implements contribute.Writer.
func (s *seated) KeyframeNeeded() bool { return s.needed() }

// Close implements media.Writer.
func (s *seated) Close() error {
	defer s.done()
	defer s.seat.Leave()
	return s.Writer.Close()
}
