package ingest_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
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
	want := []media.Description{
		{Metadata: media.Metadata{"width": 1280.0, "stereo": true, "encoder": strings.Repeat("x", 128)}},
		{Metadata: media.Metadata{}},
		{Metadata: media.Metadata{"width": 640.0}},
	}
	d.eventually("they come", func() bool { return len(s.described()) == len(want) })
	if got := s.described(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What Enhanced RTMP says of colours and of tracks that are not served is told,
// once for each change.
func TestColorAndTracks(t *testing.T) {
	d := serve(t, ingest.Config{})
	c, s := d.publishing("live", "cam")
	send := func(kind chunk.Type, body string) {
		c.Send(rtmptest.VideoID, chunk.Message{Type: kind, StreamID: 1, Body: []byte(body)})
	}
	color := "\xd4hvc1" + string(amf0.Append(nil, "colorInfo", amf0.Object{
		{Key: "colorConfig", Value: amf0.Object{{Key: "bitDepth", Value: 10.0}, {Key: "transferCharacteristics", Value: 16.0}}},
		{Key: "hdrCll", Value: amf0.Object{{Key: "maxCLL", Value: 1000.0}}},
		{Key: "nonsense", Value: 1.0},
	}))
	units := mediatest.Video(2, 30)
	send(chunk.Video, color)
	send(chunk.Video, color)
	c.Video(rtmptest.VideoConfig(units[0].ParameterSets, 0))
	send(chunk.Video, "\x96\x00hvc1\x01conf")
	send(chunk.Video, "\x96\x00hvc1\x01conf")
	send(chunk.Video, "\xa6\x01hvc1\x02data") // no beginning
	send(chunk.Audio, "\x95\x20ac-3\x01\x00\x00\x01xfLaC\x02\x00\x00\x01x")
	for _, au := range units {
		c.Video(rtmptest.VideoFrame(au))
	}
	s.wait(2, 0)
	got := s.described()
	want := media.Description{
		Color: media.Metadata{"bitDepth": 10.0, "transferCharacteristics": 16.0, "maxCLL": 1000.0},
		Tracks: []media.Track{
			{Kind: "video", Codec: "H.264", Served: true},
			{Kind: "video", ID: 1, Codec: "H.265"},
			{Kind: "audio", ID: 1, Codec: "AC-3"},
			{Kind: "audio", ID: 2, Codec: "FLAC"},
		},
	}
	if len(got) != 3 || !reflect.DeepEqual(got[len(got)-1], want) {
		t.Errorf("told %d times, at last %+v", len(got), got[len(got)-1])
	}
}
