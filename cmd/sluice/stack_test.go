package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStackClosesFromTheTop(t *testing.T) {
	var s stack
	var ended []string
	broken := errors.New("broken")
	for _, name := range []string{"admin", "http", "ingest"} {
		s.push(name, func(context.Context) error {
			ended = append(ended, name)
			if name == "http" {
				return broken
			}
			return nil
		})
	}
	err := s.close(t.Context(), slog.New(slog.DiscardHandler))
	if want := []string{"ingest", "http", "admin"}; !slices.Equal(ended, want) {
		t.Errorf("ended %v, want %v", ended, want)
	}
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "close http") {
		t.Errorf("error is %v, want the broken part's with its name", err)
	}
}

func TestStackGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		release := make(chan struct{})
		defer close(release)
		var s stack
		s.push("below", func(context.Context) error { t.Error("below was closed under a part that hangs"); return nil })
		s.push("egress", func(context.Context) error { <-release; return nil })

		start := time.Now()
		err := s.close(ctx, slog.New(slog.DiscardHandler))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "egress") {
			t.Errorf("error is %v, want a deadline that names egress", err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %v, want 10s", took)
		}
	})
}
