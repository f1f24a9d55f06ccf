package ingest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// BenchmarkIngest publishes 6 Mbit/s streams of 30 frames and 47 AAC frames a
// second as fast as the server takes them over loopback TCP. µs/Mbit is the
// CPU time of the whole process, the sender's write calls included, for one
// megabit; 128 is the chunk size of GStreamer, 4096 that of OBS and ffmpeg.
func BenchmarkIngest(b *testing.B) {
	for _, size := range []int{128, 4096, 65536} {
		b.Run(fmt.Sprintf("chunk=%d", size), func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			closed := make(chan struct{})
			d := newDesk(b)
			cfg := d.config(ingest.Config{})
			cfg.Logger = slog.New(slog.DiscardHandler)
			cfg.Publish = func(context.Context, ingest.Request) (string, media.Writer, error) {
				return "live/cam", telling{closed: closed}, nil
			}
			s, err := ingest.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			go func() { _ = s.Serve(l) }()
			defer s.Close()

			c := rtmptest.Dial(b, l.Addr())
			if code, text := c.Publish("live", "cam"); code != "NetStream.Publish.Start" {
				b.Fatal(code, text)
			}
			c.Send(rtmptest.Protocol, chunk.Message{Type: chunk.SetChunkSize, Body: []byte{0, byte(size >> 16), byte(size >> 8), byte(size)}})
			second := secondOfMedia(size)
			b.SetBytes(int64(len(second)))
			b.ReportAllocs()
			start := cpuTime()
			b.ResetTimer()
			for range b.N {
				c.Write(second)
			}
			c.Close()
			<-closed
			b.StopTimer()
			megabits := float64(len(second)) * 8e-6 * float64(b.N)
			b.ReportMetric(float64((cpuTime()-start).Microseconds())/megabits, "µs/Mbit")
		})
	}
}

// secondOfMedia returns what an encoder sends for a second; its timestamps
// begin again each time.
func secondOfMedia(size int) (b []byte) {
	units := mediatest.VideoStream{GOP: 30, IDRSize: 120_000, Size: 21_000}.AccessUnits(30)
	frames := mediatest.AAC(47)
	b = rtmptest.AppendChunks(b, rtmptest.VideoID, size, rtmptest.VideoConfig(units[0].ParameterSets, 0))
	b = rtmptest.AppendChunks(b, rtmptest.AudioID, size, rtmptest.AudioConfig(frames[0].Config, 0))
	for _, au := range units {
		for len(frames) > 0 && frames[0].PTS <= au.DTS {
			b = rtmptest.AppendChunks(b, rtmptest.AudioID, size, rtmptest.AudioFrame(frames[0]))
			frames = frames[1:]
		}
		b = rtmptest.AppendChunks(b, rtmptest.VideoID, size, rtmptest.VideoFrame(au))
	}
	return b
}

// cpuTime returns the CPU time that the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// telling is a sink that tells when it is closed.
type telling struct {
	sink
	closed chan struct{}
}

// Close implements media.Writer.
func (t telling) Close() error {
	close(t.closed)
	return nil
}
