package transcode

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sluice-media/sluice/transcode/nut"
)

// errEnded stands for the end of a process's output.
var errEnded = errors.New("ffmpeg's output ended")

// next reads the next packet of a process, which is of the codec wanted.
func next(r *nut.Reader, fourCC string) (nut.Packet, error) {
	p, err := r.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrDeadlineExceeded):
		return p, errEnded
	case err != nil:
		return p, fmt.Errorf("read ffmpeg's output: %w", err)
	}
	if cc := r.Stream(p.Stream).FourCC; cc != fourCC || len(p.Data) == 0 {
		return p, fmt.Errorf("ffmpeg returned %d bytes of %q, want %s", len(p.Data), cc, fourCC)
	}
	return p, nil
}
