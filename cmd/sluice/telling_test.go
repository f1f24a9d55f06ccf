package main

import (
	"slices"
	"testing"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// A publisher is told once of each thing that browsers do not show.
func TestTelling(t *testing.T) {
	var told []string
	got := mediatest.NewRecorder(t)
	w := &telling{Writer: got, tell: func(text string) { told = append(told, text) }}
	b := media.Treatment{Cause: media.BFrames, Action: media.Reencoded}
	thin := media.Treatment{Cause: media.BFrames, Action: media.Thinned}
	ten := media.Treatment{Cause: media.High10, Action: media.Reencoded}
	treatments := []*media.Treatment{nil, &b, &b, &thin, &b, &ten, nil}
	for i, au := range mediatest.Video(len(treatments), 30) {
		au.Treatment = treatments[i]
		if err := w.WriteVideo(au); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{b.Hint(), ten.Hint()}; !slices.Equal(told, want) || len(got.Video()) != len(treatments) {
		t.Errorf("told %q, want %q; %d pictures", told, want, len(got.Video()))
	}
}
