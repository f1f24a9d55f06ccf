package admin

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/access"
	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

// api is the API over a stream that is live and one that has lost its publisher.
type api struct {
	*httptest.Server
	Client
	ended error     // what the publication of live/show ended with
	until time.Time // of the drain
}

func newAPI(t *testing.T) *api {
	t.Helper()
	transport, err := rtc.Listen(rtc.Config{UDPAddr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := egress.New(egress.Config{
		Transport: transport, Metrics: metrics.New(prometheus.NewRegistry()), Logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() { _ = server.Close(); _ = transport.Close() })
	a, seats := &api{}, &access.Seats{}
	seat, err := seats.Take(t.Context(), access.Claim{
		Stream: "live/show", Address: netip.MustParseAddr("192.0.2.7"), Agent: "OBS", End: func(cause error) { a.ended = cause },
	})
	if err != nil {
		t.Fatal(err)
	}
	seat.Heard(time.Now(), 4711)
	for _, name := range []string{"live/gone", "live/show"} {
		p, err := server.Publish(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "live/gone" {
			_ = p.Close()
		}
	}
	a.Server = httptest.NewServer(New(Config{Server: server, Seats: seats, Drain: func(until time.Time) { a.until = until }}))
	t.Cleanup(a.Close)
	a.Client = Client{Address: a.Listener.Addr().String()}
	return a
}

func (a *api) do(t *testing.T, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func TestStreams(t *testing.T) {
	a := newAPI(t)
	list, err := a.Streams(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if list[0].Name != "live/gone" || list[0].Live || list[0].Publisher != nil {
		t.Errorf("%+v", list[0])
	}
	p := list[1].Publisher
	if !list[1].Live || p == nil || p.Address != "192.0.2.7" || p.Agent != "OBS" || p.Bytes != 4711 || time.Since(p.Since) > time.Minute {
		t.Errorf("%+v, publisher %+v", list[1], p)
	}
	if viewers, err := a.Viewers(t.Context(), ""); err != nil || len(viewers) != 0 {
		t.Errorf("%+v, %v", viewers, err)
	}
	if _, body := a.do(t, "GET", "/api/v1/viewers", ""); strings.TrimSpace(body) != `{"viewers":[]}` {
		t.Errorf("an empty list is %s", body)
	}
}

func TestEndPublisher(t *testing.T) {
	a := newAPI(t)
	if err := a.EndPublisher(t.Context(), "live/show"); err != nil || !errors.Is(a.ended, ErrEnded) {
		t.Errorf("%v, ended with %v", err, a.ended)
	}
}

func TestDrain(t *testing.T) {
	a := newAPI(t)
	d, err := a.Drain(t.Context(), Drain{Timeout: "10m"})
	if err != nil || d.Publishers != 1 || d.Viewers != 0 || !d.Until.Equal(a.until) {
		t.Errorf("%+v, %v; told to end at %v", d, err, a.until)
	}
	if left := time.Until(a.until); left < 9*time.Minute || left > 10*time.Minute {
		t.Errorf("ends in %v", left)
	}
	if status, body := a.do(t, "POST", "/api/v1/drain", ""); status != http.StatusAccepted || time.Until(a.until) > drainTime {
		t.Errorf("without a body: %d %s", status, body)
	}
}

func TestRefusals(t *testing.T) {
	a := newAPI(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/api/v1/streams/live/nobody", "", 404, "there is no stream live/nobody"},
		{"DELETE", "/api/v1/streams/live/gone/publisher", "", 404, "nobody publishes live/gone"},
		{"DELETE", "/api/v1/viewers/abc", "", 404, "there is no viewer abc"},
		{"GET", "/api/v2/streams", "", 404, "openapi.yaml"},
		{"POST", "/api/v1/streams", "", 405, ""},
		{"POST", "/api/v1/drain", "now", 400, "not the JSON"},
		{"POST", "/api/v1/drain", `{"timeout": "soon"}`, 400, `timeout "soon"`},
		{"POST", "/api/v1/drain", `{"timeout": "-1s"}`, 400, `timeout "-1s"`},
		{"POST", "/api/v1/drain", `{"timeout": "` + strings.Repeat("1", maxBody) + `s"}`, 400, "too large"},
	} {
		status, body := a.do(t, c.method, c.path, c.body)
		if status != c.status || !strings.Contains(strings.ReplaceAll(body, `\"`, `"`), c.says) {
			t.Errorf("%s %s %.40s: %d %s, want %d and %q", c.method, c.path, c.body, status, body, c.status, c.says)
		}
	}
	// A page that somebody on this machine looks at.
	if status, _ := a.do(t, "POST", "/api/v1/drain", "", "Origin", "https://evil.example"); status != http.StatusForbidden || !a.until.IsZero() {
		t.Errorf("a page of another origin drains: %d, %v", status, a.until)
	}
	var p *Problem
	if err := a.EndViewer(t.Context(), "abc"); !errors.As(err, &p) || p.Status != 404 || err.Error() != "there is no viewer abc" {
		t.Errorf("the client says %v", err)
	}
}
