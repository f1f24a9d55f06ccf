package chunk_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/ingest/chunk"
)

// holder is a Reader that has read part of a message of 1 MiB.
type holder struct {
	*chunk.Reader
	evicted bool
}

// holding returns a Reader that holds 1 MiB of a budget, less chunk.Free.
func holding(t *testing.T, b *chunk.Budget) *holder {
	t.Helper()
	const size = 1 << 20
	h := new(holder)
	wire := setSize(size) + h0(4, 0, size, chunk.Video, 1) + rep(size-1)
	h.Reader = chunk.NewReader(bufio.NewReader(strings.NewReader(wire)), chunk.Limits{Budget: b, Evict: func() { h.evicted = true }})
	h.KeepMedia()
	if _, err := h.Next(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return h
}

// When there is no more to be had, who has held on for longest goes.
func TestBudget(t *testing.T) {
	b := chunk.NewBudget(3<<20 - 3*chunk.Free)
	var hs []*holder
	for range 5 {
		hs = append(hs, holding(t, b))
	}
	for i, h := range hs {
		if h.evicted != (i < 2) {
			t.Errorf("publisher %d of 5 evicted: %t", i, h.evicted)
		}
	}
	for _, h := range hs { // those that end give all back
		h.Close()
	}
	for i := range 3 {
		hs[i] = holding(t, b)
	}
	for _, h := range hs[:3] {
		if h.evicted {
			t.Error("evicted although there was room")
		}
	}
}

// One whose messages get finished holds nothing, however great they are.
func TestBudgetOfFinishedMessages(t *testing.T) {
	b := chunk.NewBudget(1 << 20)
	h := new(holder)
	wire := setSize(ext) + strings.Repeat(h0(4, 0, 1<<20, chunk.Video, 1)+rep(1<<20), 20)
	h.Reader = chunk.NewReader(bufio.NewReader(strings.NewReader(wire)), chunk.Limits{Budget: b, Evict: func() { h.evicted = true }})
	h.KeepMedia()
	if all, err := readAll(h.Reader); len(all) != 20 || !errors.Is(err, io.EOF) || h.evicted {
		t.Errorf("%d messages, %v, evicted: %t", len(all), err, h.evicted)
	}
}

// A length that is only announced takes no memory.
func TestAnnouncedLengthsAreFree(t *testing.T) {
	b := chunk.NewBudget(1)
	h := new(holder)
	h.Reader = chunk.NewReader(bufio.NewReader(strings.NewReader(unfinished(5, chunk.MaxMessage, chunk.Video))), chunk.Limits{Budget: b, Evict: func() { h.evicted = true }})
	h.KeepMedia()
	if _, err := h.Next(); !errors.Is(err, io.EOF) || h.evicted {
		t.Errorf("%v, evicted: %t", err, h.evicted)
	}
}
