package contribute

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/contribute/contributetest"
	"github.com/sluice-media/sluice/media/mediatest"
	"github.com/sluice-media/sluice/metrics"
	"github.com/sluice-media/sluice/rtc"
)

// house is a Server and what its publishers bring.
type house struct {
	*Server
	rec *mediatest.Recorder

	fail      error // of Open
	end       func(error)
	forgotten int
}

func newHouse(t *testing.T, c Config) *house {
	t.Helper()
	h := &house{rec: mediatest.NewRecorder(t)}
	transport, err := rtc.Listen(rtc.Config{UDPAddr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c.Transport, c.Metrics, c.Logger = transport, metrics.New(prometheus.NewRegistry()), slog.New(slog.DiscardHandler)
	c.Admit = func(_ context.Context, r Request) (Admitted, error) {
		return Admitted{Stream: r.App + "/" + r.Name, Open: h.open, Forget: func() { h.forgotten++ }}, nil
	}
	h.Server = New(c)
	t.Cleanup(func() {
		_ = h.Close()
		_ = transport.Close()
		if h.count != 0 || len(h.perHost) != 0 {
			t.Errorf("%d publishers are counted at the end", h.count)
		}
	})
	return h
}

func (h *house) open(_ context.Context, end func(error)) (Writer, error) {
	if h.fail != nil {
		return nil, h.fail
	}
	h.end = end
	return h.rec, nil
}

func (h *house) publish(t *testing.T, offer string) (*Publisher, error) {
	t.Helper()
	a, err := h.Admit(t.Context(), Request{App: "live", Name: "a", RemoteAddr: netip.MustParseAddrPort("192.0.2.1:5")})
	if err != nil {
		return nil, err
	}
	return a.Publish(t.Context(), offer)
}

// onAir publishes with a real client until the test ends.
func (h *house) onAir(t *testing.T, edit func(offer string) string) (*Publisher, *contributetest.Sender) {
	t.Helper()
	s := contributetest.New(t)
	p, err := h.publish(t, edit(s.Offer))
	if err != nil {
		t.Fatal(err)
	}
	s.Connect(p.Answer())
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Send(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return p, s
}

func asIs(offer string) string { return offer }

func (h *house) wait(t *testing.T, video, audio int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.rec.Wait(ctx, video, audio); err != nil {
		t.Fatal(err)
	}
}

func TestPublish(t *testing.T) {
	for name, edit := range map[string]func(string) string{
		"actpass": asIs,
		"passive": func(o string) string { return strings.ReplaceAll(o, "a=setup:actpass", "a=setup:passive") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Config{})
			p, _ := h.onAir(t, edit)
			want := map[string]string{"actpass": "a=setup:passive", "passive": "a=setup:active"}[name]
			for _, line := range []string{
				want, "a=recvonly", "a=end-of-candidates", "a=group:BUNDLE 0 1", "a=rtcp-fb:", "nack pli", "transport-cc",
			} {
				if !strings.Contains(p.Answer(), line) {
					t.Errorf("no %s in the answer:\n%s", line, p.Answer())
				}
			}
			for _, line := range []string{"sendrecv", "sendonly", "rtx/"} {
				if strings.Contains(p.Answer(), line) {
					t.Errorf("%s in the answer:\n%s", line, p.Answer())
				}
			}
			h.wait(t, 60, 50)
			if au := h.rec.Video()[0]; !au.IDR || au.ParameterSets.Width != 1280 {
				t.Errorf("video begins with IDR %t, width %d", au.IDR, au.ParameterSets.Width)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if !h.rec.Closed() || !errors.Is(context.Cause(p.Context()), ErrStopped) {
				t.Errorf("closed %t for %v", h.rec.Closed(), context.Cause(p.Context()))
			}
		})
	}
}

// However a publication ends, the Writer is closed and the cause is told.
func TestEnds(t *testing.T) {
	cause := errors.New("another one took over")
	cases := map[string]struct {
		end  func(h *house, s *contributetest.Sender)
		want error
	}{
		"the client closes":       {func(_ *house, s *contributetest.Sender) { s.Close() }, ErrLeft},
		"the server ends it":      {func(h *house, _ *contributetest.Sender) { h.end(cause) }, cause},
		"the Writer fails":        {func(h *house, _ *contributetest.Sender) { h.rec.Fail(cause) }, ErrStream},
		"the server is closed":    {func(h *house, _ *contributetest.Sender) { _ = h.Close() }, ErrClosed},
		"nothing comes any more*": {func(*house, *contributetest.Sender) {}, ErrIdle},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Config{IdleTimeout: 800 * time.Millisecond})
			s := contributetest.New(t)
			p, err := h.publish(t, s.Offer)
			if err != nil {
				t.Fatal(err)
			}
			s.Connect(p.Answer())
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			if !strings.HasSuffix(name, "*") {
				ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
			}
			var wg sync.WaitGroup
			wg.Go(func() { s.Send(ctx) })
			h.wait(t, 5, 5)
			c.end(h, s)
			select {
			case <-p.done:
			case <-time.After(10 * time.Second):
				t.Fatal("it does not end")
			}
			cancel()
			wg.Wait()
			if !h.rec.Closed() || !errors.Is(context.Cause(p.Context()), c.want) {
				t.Errorf("closed %t for %v, want %v", h.rec.Closed(), context.Cause(p.Context()), c.want)
			}
		})
	}
}

// What is refused leaves nothing behind.
func TestRefusals(t *testing.T) {
	offer := contributetest.New(t).Offer
	taken := errors.New("taken")
	cases := map[string]struct {
		offer string
		fail  error
		want  error
	}{
		"nonsense":       {"v=0\r\nx", nil, rtc.ErrBadOffer},
		"VP8 alone":      {strings.NewReplacer("H264/", "VP8/", "H265/", "VP8/", "AV1/", "VP8/", "VP9/", "VP8/").Replace(offer), nil, rtc.ErrNoCommonCodec},
		"no Opus":        {strings.ReplaceAll(offer, "opus/", "speex/"), nil, rtc.ErrNoCommonCodec},
		"a viewer":       {strings.ReplaceAll(offer, "a=sendonly", "a=recvonly"), nil, rtc.ErrNoCommonCodec},
		"the name":       {offer, taken, taken},
		"no fingerprint": {strings.ReplaceAll(offer, "a=fingerprint", "a=x"), nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Config{})
			h.fail = c.fail
			_, err := h.publish(t, c.offer)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if opened := h.end != nil; opened != h.rec.Closed() || opened == (h.forgotten == 1) {
				t.Errorf("opened %t, closed %t, forgotten %d times", opened, h.rec.Closed(), h.forgotten)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	h := newHouse(t, Config{MaxPublishers: 3, MaxPerAddress: 2})
	admit := func(addr string) error {
		a, err := h.Admit(t.Context(), Request{RemoteAddr: netip.MustParseAddrPort(addr)})
		if err == nil {
			t.Cleanup(a.Cancel)
		}
		return err
	}
	for _, c := range []struct {
		addr string
		want error
	}{
		{"192.0.2.1:1", nil},
		{"192.0.2.1:2", nil},
		{"192.0.2.1:3", ErrTooMany},
		{"192.0.2.2:1", nil},
		{"192.0.2.3:1", ErrTooMany},
	} {
		if err := admit(c.addr); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.addr, err, c.want)
		}
	}
	_ = h.Close()
	if err := admit("192.0.2.4:1"); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
