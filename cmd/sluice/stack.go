package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// stack holds the parts that have been started, each with the way to end it.
type stack []part

type part struct {
	name  string
	close func(context.Context) error
}

func (s *stack) push(name string, end func(context.Context) error) {
	*s = append(*s, part{name, end})
}

// close ends the parts, the last one first, each after the one before has
// ended. When ctx is done it gives up and names the part that hangs.
func (s *stack) close(ctx context.Context, logger *slog.Logger) error {
	var failures []error
	for _, p := range slices.Backward(*s) {
		ended := make(chan error, 1)
		go func() { ended <- p.close(ctx) }()
		select {
		case err := <-ended:
			if err != nil {
				failures = append(failures, fmt.Errorf("close %s: %w", p.name, err))
			}
			logger.Debug("closed", "part", p.name)
		case <-ctx.Done():
			failures = append(failures, fmt.Errorf("close %s: %w", p.name, ctx.Err()))
			return errors.Join(failures...)
		}
	}
	return errors.Join(failures...)
}
