package whip

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

// stage stands in for egress: it says what Play shall return, and remembers
// its viewers.
type stage struct {
	registry *prometheus.Registry

	mu       sync.Mutex
	fail     error
	viewers  []*fakeViewer
	patience time.Duration // asked for last
}

// newHandler returns a Handler on a stage.
func newHandler() (*Handler, *stage) { return newHandlerOf(Config{}) }

func newHandlerOf(cfg Config) (*Handler, *stage) {
	s := &stage{registry: prometheus.NewRegistry()}
	cfg.Metrics, cfg.Logger = metrics.New(s.registry), slog.New(slog.DiscardHandler)
	h := New(cfg)
	h.play = s.play
	h.streams = func() []egress.StreamInfo {
		return []egress.StreamInfo{{Name: "live/cam", Live: true, Viewers: 2}}
	}
	return h, s
}

func (s *stage) play(stream, offer string, patience time.Duration) (viewer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.patience = patience
	if s.fail != nil {
		return nil, s.fail
	}
	if stream == "live/none" && patience == 0 {
		return nil, egress.ErrNoStream
	}
	v := &fakeViewer{ufrag: "none", changed: make(chan struct{})}
	if _, rest, ok := strings.Cut(offer, "a=ice-ufrag:"); ok {
		v.ufrag = strings.Fields(rest)[0]
	}
	v.ctx, v.end = context.WithCancelCause(context.Background())
	s.viewers = append(s.viewers, v)
	return v, nil
}

func (s *stage) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// last returns the viewer made last.
func (s *stage) last(t *testing.T) *fakeViewer {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.viewers) == 0 {
		t.Fatal("no viewer was made")
	}
	return s.viewers[len(s.viewers)-1]
}

// sample returns the value of one series, 0 when there is none.
func (s *stage) sample(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, l.GetValue())
			}
			if strings.Join(got, ",") == strings.Join(labels, ",") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

type fakeViewer struct {
	ufrag string
	ctx   context.Context
	end   context.CancelCauseFunc

	mu         sync.Mutex
	candidates []string
	status     egress.Status
	changed    chan struct{}
}

func (v *fakeViewer) Status() (egress.Status, <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status, v.changed
}

func (v *fakeViewer) set(s egress.Status) {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.changed)
	v.status, v.changed = s, make(chan struct{})
}

const fakeAnswer = "v=0\r\na=the answer\r\n"

func (v *fakeViewer) Answer() string           { return fakeAnswer }
func (v *fakeViewer) Ufrag() string            { return v.ufrag }
func (v *fakeViewer) Context() context.Context { return v.ctx }

func (v *fakeViewer) Close() error {
	v.end(egress.ErrViewerClosed)
	return nil
}

func (v *fakeViewer) AddCandidate(c string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.candidates = append(v.candidates, c)
	return nil
}

func (v *fakeViewer) RestartICE(ufrag, _ string) (rtc.ICE, error) {
	return rtc.ICE{Ufrag: "ours" + ufrag, Pwd: "ourpassword", Candidates: []string{hostUDP}}, nil
}

func (v *fakeViewer) added() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.candidates
}

// request is one to be made.
type request struct {
	method, path string
	header       http.Header
	body         string
}

func post(path, offer string) request {
	return request{http.MethodPost, path, http.Header{"Content-Type": {typeSDP}}, offer}
}

func patch(path, fragment string) request {
	return request{http.MethodPatch, path, http.Header{"Content-Type": {typeFragment}}, fragment}
}

// with returns the request with one header more, or another value of it.
func (q request) with(name, value string) request {
	q.header = q.header.Clone()
	if q.header == nil {
		q.header = http.Header{}
	}
	q.header.Set(name, value)
	return q
}
