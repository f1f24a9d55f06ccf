package ingest_test

import (
	"context"
	"io"
	"log/slog"
	runtimemetrics "runtime/metrics"
	"testing"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// FuzzServer drives the whole of ingest over a net.Pipe: guard, go-rtmp,
// handlers and demuxer. Whatever a client sends, before or after it publishes,
// its connection must end with a reason of ours, go-rtmp must not have given
// up or recovered from a panic, and the memory must stay within its bound.
func FuzzServer(f *testing.F) {
	d := newDesk(f)
	cfg := d.config(ingest.Config{})
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Publish = func(context.Context, ingest.Request) (string, media.Writer, error) { return "live/cam", sink{}, nil }
	s, err := ingest.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	l := newPipes()
	go func() { _ = s.Serve(l) }()
	f.Cleanup(func() { s.Close() })

	for _, b := range rtmptest.Hostile() {
		f.Add(false, b[3073:min(len(b), 4<<10)])
		f.Add(true, b[3073:min(len(b), 4<<10)])
	}
	f.Add(false, rtmptest.Session("live", "cam")[3073:])
	f.Add(true, mediaBytes())
	f.Fuzz(func(t *testing.T, published bool, b []byte) {
		hello := rtmptest.Handshake()
		if published {
			hello = rtmptest.Session("live", "cam")
		}
		before := allocated()
		client, server := l.connectClosed()
		go func() {
			client.Write(hello)
			client.Write(b)
			client.Close()
		}()
		_, _ = io.Copy(io.Discard, client)
		<-server.done
		// What a connection needs, what runs beside it, and some per byte of input.
		if n, limit := allocated()-before, uint64(4<<20+64*len(b)); n > limit {
			t.Errorf("%d KiB allocated for %d bytes", n>>10, len(b))
		}
		if d.refusals("internal") > 0 {
			t.Fatal("go-rtmp gave the connection up")
		}
	})
}

// mediaBytes returns what a publisher sends after publish.
func mediaBytes() (b []byte) {
	units, frames := mediatest.Video(3, 2), mediatest.AAC(2)
	for _, m := range []chunk.Message{
		rtmptest.AudioConfig(frames[0].Config, 0),
		rtmptest.VideoConfig(units[0].ParameterSets, 0),
		rtmptest.VideoFrame(units[0]),
		rtmptest.AudioFrame(frames[0]),
		rtmptest.Aggregate(rtmptest.VideoFrame(units[1]), rtmptest.AudioFrame(frames[1])),
		rtmptest.VideoFrame(units[2]),
		rtmptest.Command(0, "FCUnpublish", 6.0, nil, "cam"),
	} {
		b = rtmptest.AppendChunks(b, rtmptest.VideoID, 128, m)
	}
	return b
}

// allocated returns the bytes that the process has allocated on the heap.
func allocated() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}

// sink is a media.Writer that drops everything.
type sink struct{}

// WriteVideo implements media.Writer.
func (sink) WriteVideo(*media.AccessUnit) error { return nil }

// WriteAudio implements media.Writer.
func (sink) WriteAudio(*media.AudioFrame) error { return nil }

// Close implements media.Writer.
func (sink) Close() error { return nil }
