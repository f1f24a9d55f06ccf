package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/ingest"
	"github.com/sluice-media/sluice/ingest/rtmptest"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits that a working server ends at once.
const patience = 30 * time.Second

// desk is a Publisher that gives each name to one publication at a time and
// records what it gets.
type desk struct {
	t      testing.TB
	series *prometheus.Registry
	log    *lockedBuffer
	addr   net.Addr
	server *ingest.Server
	begun  chan *shelf

	mu    sync.Mutex
	taken map[string]bool
}

// shelf is one publication.
type shelf struct {
	*mediatest.Recorder
	desk    *desk
	stream  string
	request ingest.Request
	ctx     context.Context
	closed  chan struct{}

	mu    sync.Mutex
	words []media.Description
}

// Describe implements media.Describer.
func (s *shelf) Describe(d media.Description) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words = append(s.words, d)
}

func (s *shelf) described() []media.Description {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.words)
}

// newDesk returns a desk without a server.
func newDesk(t testing.TB) *desk {
	return &desk{t: t, series: prometheus.NewRegistry(), log: new(lockedBuffer), begun: make(chan *shelf, 100), taken: make(map[string]bool)}
}

// config completes a server's configuration.
func (d *desk) config(cfg ingest.Config) ingest.Config {
	cfg.Publish = d.publish
	cfg.Metrics = metrics.New(ingestOnly{d.series})
	cfg.Logger = slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return cfg
}

// serve returns a desk with a server on a loopback port.
func serve(t testing.TB, cfg ingest.Config) *desk {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, cfg, l)
}

func serveOn(t testing.TB, cfg ingest.Config, l net.Listener) *desk {
	t.Helper()
	d := newDesk(t)
	s, err := ingest.New(d.config(cfg))
	if err != nil {
		t.Fatal(err)
	}
	d.addr, d.server = l.Addr(), s
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.taken) > 0 {
			t.Errorf("publications left after Close: %v", d.taken)
		}
	})
	return d
}

func (d *desk) publish(ctx context.Context, r ingest.Request) (string, media.Writer, error) {
	stream := r.App + "/" + r.Key
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case r.Key == "wrong":
		return "", nil, &ingest.Refusal{Code: ingest.Rejected, Description: "wrong stream key"}
	case r.Key == "broken":
		return "", nil, errors.New("no connection to the database at 10.0.0.7")
	case d.taken[stream]:
		return "", nil, &ingest.Refusal{Code: ingest.BadName, Description: stream + " is live already"}
	}
	d.taken[stream] = true
	s := &shelf{Recorder: mediatest.NewRecorder(d.t), desk: d, stream: stream, request: r, ctx: ctx, closed: make(chan struct{})}
	d.begun <- s
	return stream, s, nil
}

// Close implements media.Writer. It frees the name, so the series must be gone.
func (s *shelf) Close() error {
	for _, name := range []string{"received_bytes_total", "frames_total", "keyframes_total", "timestamp_jumps_total", "corrupt_tags_total"} {
		if v := s.desk.metric("sluice_ingest_"+name, s.stream); v >= 0 {
			s.desk.t.Errorf("%s of %s outlives the publication", name, s.stream)
		}
	}
	s.desk.mu.Lock()
	delete(s.desk.taken, s.stream)
	s.desk.mu.Unlock()
	close(s.closed)
	return s.Recorder.Close()
}

// next returns the next publication.
func (d *desk) next() *shelf {
	d.t.Helper()
	select {
	case s := <-d.begun:
		return s
	case <-time.After(patience):
		d.t.Fatalf("no publication; the log:\n%s", d.log)
		return nil
	}
}

// wait waits for frames.
func (s *shelf) wait(video, audio int) {
	s.desk.t.Helper()
	ctx, cancel := context.WithTimeout(s.desk.t.Context(), patience)
	defer cancel()
	if err := s.Wait(ctx, video, audio); err != nil {
		s.desk.t.Fatalf("%v; the log:\n%s", err, s.desk.log)
	}
}

// ended waits for the end of the publication.
func (s *shelf) ended() {
	s.desk.t.Helper()
	select {
	case <-s.closed:
	case <-time.After(patience):
		s.desk.t.Fatal("the publication does not end")
	}
}

// ingestOnly registers the series of ingest alone: the process's own take
// milliseconds to gather.
type ingestOnly struct{ *prometheus.Registry }

// MustRegister implements prometheus.Registerer.
func (r ingestOnly) MustRegister(collectors ...prometheus.Collector) {
	for _, c := range collectors {
		descs := make(chan *prometheus.Desc, 100)
		c.Describe(descs)
		if len(descs) > 0 && strings.Contains((<-descs).String(), "sluice_ingest_") {
			r.Registry.MustRegister(c)
		}
	}
}

// metric returns the sum of the series of a name that have a label value, or
// all if that is empty; −1: there is none.
func (d *desk) metric(name, label string) float64 {
	families, err := d.series.Gather()
	if err != nil {
		d.t.Errorf("gather: %v", err)
	}
	sum := -1.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label == "" || hasLabel(m, label) {
				sum = max(sum, 0) + m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func hasLabel(m *dto.Metric, value string) bool {
	for _, l := range m.GetLabel() {
		if l.GetValue() == value {
			return true
		}
	}
	return false
}

// refusals returns how many connections were refused for a reason.
func (d *desk) refusals(reason string) float64 {
	return max(d.metric("sluice_ingest_refusals_total", reason), 0)
}

// eventually waits for a condition that no channel tells of.
func (d *desk) eventually(what string, ok func() bool) {
	d.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			d.t.Fatalf("never: %s; the log:\n%s", what, d.log)
		}
	}
}

// publishing returns a client that publishes, and its publication.
func (d *desk) publishing(app, key string) (*rtmptest.Client, *shelf) {
	d.t.Helper()
	c := rtmptest.Dial(d.t, d.addr)
	if code, text := c.Publish(app, key); code != "NetStream.Publish.Start" {
		d.t.Fatalf("publish was answered %s, %s", code, text)
	}
	return c, d.next()
}

// sendVideo sends access units with the sequence header in front.
func sendVideo(c *rtmptest.Client, units []*media.AccessUnit) {
	c.Video(rtmptest.VideoConfig(units[0].ParameterSets, units[0].DTS))
	for _, au := range units {
		c.Video(rtmptest.VideoFrame(au))
	}
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String implements fmt.Stringer.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// count returns how many lines hold all of the words.
func (l *lockedBuffer) count(words ...string) (n int) {
	for line := range strings.Lines(l.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			n++
		}
	}
	return n
}
