package depacketize

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt means that a tag could not be parsed and was skipped; the
	// stream goes on, video at the next IDR.
	ErrCorrupt = errors.New("corrupt media")

	// ErrUnsupportedCodec means that the publisher sends what Sluice cannot
	// serve; the error that wraps it names the codec.
	ErrUnsupportedCodec = errors.New("unsupported codec")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

func unsupported(name string) error {
	return fmt.Errorf("%w: %s", ErrUnsupportedCodec, name)
}
