package ingest_test

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"testing"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// What ingest may allocate for one connection, in bytes, garbage included.
const (
	// connection is what one takes that publishes nothing: 120 to 150 KiB, most
	// of it buffers of go-rtmp's.
	connection = 192 << 10

	// beginnings are the bodies of messages that were begun on all chunk streams.
	beginnings = chunk.MaxStreams * 16 << 10

	// perByte is for what is made of each byte: the dearest are sound frames of
	// one byte, which take 5 bytes of input and some 200 of memory.
	perByte = 64
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
		connect := func() uint64 {
			before := allocated()
			client, server := l.connectClosed()
			go func() {
				client.Write(hello)
				client.Write(b)
				client.Close()
			}()
			_, _ = io.Copy(io.Discard, client)
			<-server.done
			return allocated() - before
		}
		limit := uint64(connection + beginnings + perByte*len(b))
		n := connect()
		for try := 0; n > limit && try < 3; try++ { // what others left to do is not there again
			n = min(n, connect())
		}
		if n > limit {
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

// allocated returns the bytes that the process has allocated on the heap,
// exactly: the cheaper runtime/metrics count up to some MiB of small objects
// later than they were made.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// sink is a media.Writer that drops everything.
type sink struct{}

// WriteVideo implements media.Writer.
func (sink) WriteVideo(*media.AccessUnit) error { return nil }

// WriteAudio implements media.Writer.
func (sink) WriteAudio(*media.AudioFrame) error { return nil }

// Close implements media.Writer.
func (sink) Close() error { return nil }
