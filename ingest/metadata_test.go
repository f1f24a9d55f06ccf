package ingest_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/media"
)

// Metadata reach who wants them, in the forms that encoders send; what is none
// disturbs nothing.
func TestMetadata(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	data := func(values ...any) {
		c.Send(4, chunk.Message{Type: chunk.DataAMF0, StreamID: 1, Body: amf0.Append(nil, values...)})
	}
	data("onCuePoint", amf0.Object{{Key: "width", Value: 1.0}})
	data("@setDataFrame")
	data("@setDataFrame", "onMetaData", amf0.Object{
		{Key: "width", Value: 1280.0},
		{Key: "stereo", Value: true},
		{Key: "encoder", Value: strings.Repeat("x", 1000)},
		{Key: "duration", Value: math.NaN()},
		{Key: "nested", Value: amf0.Object{{Key: "a", Value: 1.0}}},
	})
	c.Send(4, chunk.Message{Type: chunk.DataAMF0, StreamID: 1, Body: []byte("\x02\x00\x0aonMetaData\x0a\x7f\xff\xff\xff")})
	data("onMetaData", amf0.Object{{Key: "width", Value: 640.0}})
	want := []media.Metadata{
		{"width": 1280.0, "stereo": true, "encoder": strings.Repeat("x", 128)},
		{},
		{"width": 640.0},
	}
	d.eventually("they come", func() bool { return len(s.described()) == len(want) })
	if got := s.described(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
