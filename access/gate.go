package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sluice-media/sluice/limit"
	"github.com/sluice-media/sluice/metrics"
)

// Reason is why somebody was not let in.
type Reason string

// The reasons.
const (
	ReasonName    Reason = "bad_name"
	ReasonKey     Reason = "wrong_key"
	ReasonGuesses Reason = "too_many_guesses"
	ReasonHook    Reason = "hook"
)

// Denied is the error of those who are not let in.
type Denied struct {
	Reason Reason
	Wait   time.Duration // until a next try makes sense; 0: it does not
	Detail string        // safe to show
}

// Error implements error.
func (d *Denied) Error() string { return d.Detail }

func denied(r Reason) *Denied {
	detail := "access denied"
	switch r {
	case ReasonKey:
		detail = "wrong stream key or token"
	case ReasonGuesses:
		detail = "too many wrong stream keys or tokens from this address"
	case ReasonHook, ReasonName:
	}
	return &Denied{Reason: r, Detail: detail}
}

// A host may guess wrong so often at once, and once in so long.
const (
	guessBurst = 10
	guessEvery = 6 * time.Second
)

// Gate says who may publish and who may watch. Its methods may be called from
// any goroutine.
type Gate struct {
	// static
	log     *slog.Logger
	series  metrics.Access
	ctx     context.Context
	cancel  context.CancelFunc
	guesses *limit.Rate
	told    sync.WaitGroup // calls of hooks that nobody waits for

	// guarded by mu
	mu     sync.Mutex
	now    state
	closed bool
}

// state is what follows from one set of rules.
type state struct {
	rules    Rules
	verifier *verifier
	hooks    *hooks
	end      context.CancelFunc // of the verifier's key set
}

// NewGate returns a Gate with rules, which must be closed; ctx bounds its life
// as well. logger may be nil.
func NewGate(ctx context.Context, r Rules, logger *slog.Logger, m *metrics.Metrics) (*Gate, error) {
	g := &Gate{log: cmp.Or(logger, slog.Default()), series: m.Access(), guesses: limit.NewRate(guessEvery, guessBurst)}
	ctx, cancel := context.WithCancel(ctx)
	g.ctx, g.cancel = ctx, cancel
	if err := g.Renew(ctx, r); err != nil {
		g.cancel()
		return nil, err
	}
	return g, nil
}

// Renew replaces the rules. Who is in stays in. ctx bounds the refreshing of
// the key set.
func (g *Gate) Renew(ctx context.Context, r Rules) error {
	ctx, end := context.WithCancel(ctx)
	v, err := newVerifier(ctx, r.JWT)
	if err != nil {
		end()
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now.end != nil {
		g.now.end()
	}
	g.now = state{r, v, newHooks(r.Hooks, g.series), end}
	return nil
}

// lastWords is how long Close lets hooks be told of the last ends.
const lastWords = 2 * time.Second

// Close waits for the calls of hooks, which it cuts off after 2 s.
func (g *Gate) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	cut := time.AfterFunc(lastWords, g.cancel)
	defer cut.Stop()
	g.told.Wait()
	g.cancel()
	g.state().end()
}

func (g *Gate) state() state {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

// Publisher is who wants to publish: rtmp://host/App/Key?Query.
type Publisher struct {
	App, Key string
	Query    url.Values
	Address  netip.Addr
	Agent    string
}

// Publish returns the public name under which p may publish, and what to call
// when it has ended; or a *Denied.
func (g *Gate) Publish(ctx context.Context, p Publisher) (stream string, done func(), err error) {
	defer func() { g.count("publish", err) }()
	s := g.state()
	if stream, err = g.publishName(ctx, s, p); err != nil {
		return "", nil, err
	}
	c := call{kind: "publish", id: newID(), query: p.Query, addr: p.Address, agent: p.Agent}
	c.app, c.name, _ = strings.Cut(stream, "/")
	if c.url = s.rules.Hooks.OnPublish; c.url != "" {
		rename, err := s.hooks.ask(ctx, c)
		if err != nil {
			return "", nil, g.hookError(err)
		}
		switch {
		case strings.Contains(rename, "/"):
			stream = rename
		case rename != "":
			stream = c.app + "/" + rename
		}
	}
	if err := CheckName(stream); err != nil {
		return "", nil, &Denied{Reason: ReasonName, Detail: err.Error()}
	}
	c.url, c.kind = s.rules.Hooks.OnPublishDone, "publish_done"
	c.app, c.name, _ = strings.Cut(stream, "/")
	return stream, g.tell(s, c), nil
}

// MayPublish says whether p may publish by the rules; hooks are not asked. A key
// that only the URL has is not looked at: it may be a stream's name.
func (g *Gate) MayPublish(ctx context.Context, p Publisher) bool {
	s := g.state()
	if p.Query.Get("token") == "" && (len(s.rules.Keys) > 0 || s.rules.JWT.on()) {
		return false
	}
	_, err := g.publishName(ctx, s, p)
	return err == nil
}

// BFrames returns what the rules say of the B-frames of a stream: reencode, pass
// or refuse; empty: nothing.
func (g *Gate) BFrames(stream string) string {
	s := g.state()
	return s.rules.bFrames(stream)
}

// count counts those who are not let in.
func (g *Gate) count(action string, err error) {
	var d *Denied
	if errors.As(err, &d) {
		g.series.Denied(action, string(d.Reason))
	}
}

// publishName is what keys and tokens say. A token in the query is for the
// stream that the URL names; a stream key that is one names the stream itself.
func (g *Gate) publishName(ctx context.Context, s state, p Publisher) (string, error) {
	named := p.App + "/" + p.Key
	if len(s.rules.Keys) == 0 && !s.rules.JWT.on() {
		return named, nil
	}
	token := p.Query.Get("token")
	secret := cmp.Or(token, p.Key)
	return check(g, p.Address, func() (string, bool) {
		sum := sha256.Sum256([]byte(secret))
		stream := ""
		for i := range s.rules.Keys { // all, so that the time tells nothing
			if k := &s.rules.Keys[i]; k.Hash.of(sum) && (token == "" || k.Stream == named) {
				stream = k.Stream
			}
		}
		if stream != "" || !s.rules.JWT.on() {
			return stream, stream != ""
		}
		c, err := s.verifier.verify(ctx, secret)
		if err != nil {
			return "", false
		}
		if token == "" {
			named = c.Stream
		}
		return named, c.allows("publish", named)
	})
}

// Viewer is who wants to watch.
type Viewer struct {
	Stream, Token string
	Address       netip.Addr
	Agent         string
}

// Watch returns what to call when v has ended, or a *Denied.
func (g *Gate) Watch(ctx context.Context, v Viewer) (done func(), err error) {
	defer func() { g.count("play", err) }()
	s := g.state()
	if err := g.watch(ctx, s, v); err != nil {
		return nil, err
	}
	c := call{kind: "play", id: newID(), addr: v.Address, agent: v.Agent, query: url.Values{}}
	if v.Token != "" {
		c.query.Set("token", v.Token)
	}
	c.app, c.name, _ = strings.Cut(v.Stream, "/")
	if c.url = s.rules.Hooks.OnPlay; c.url != "" {
		if _, err := s.hooks.ask(ctx, c); err != nil {
			return nil, g.hookError(err)
		}
	}
	c.url, c.kind = s.rules.Hooks.OnPlayDone, "play_done"
	return g.tell(s, c), nil
}

// watch is what the rules say.
func (g *Gate) watch(ctx context.Context, s state, v Viewer) error {
	w := s.rules.watch(v.Stream)
	if w == nil {
		return nil
	}
	_, err := check(g, v.Address, func() (struct{}, bool) {
		return struct{}{}, s.ticket(ctx, v.Token).fits(w, v.Stream)
	})
	return err
}

// Visible returns those of streams that v, whose Stream is not looked at, may
// watch by the rules; hooks are not asked. A token that fits no closed stream
// is a wrong guess like any other.
func (g *Gate) Visible(ctx context.Context, v Viewer, streams []string) []string {
	s := g.state()
	t := s.ticket(ctx, v.Token)
	mayGuess := v.Token != "" && g.guesses.Wait(v.Address, time.Now()) == 0
	var visible []string
	closed, opened := 0, 0
	for _, stream := range streams {
		w := s.rules.watch(stream)
		if w != nil {
			closed++
			if !mayGuess || !t.fits(w, stream) {
				continue
			}
			opened++
		}
		visible = append(visible, stream)
	}
	if mayGuess && closed > 0 && opened == 0 {
		g.guesses.Take(v.Address, time.Now())
	}
	return visible
}

// check makes a guess, unless the host has made too many wrong ones: then
// not even the right one is told from them.
func check[T any](g *Gate, from netip.Addr, guess func() (T, bool)) (T, error) {
	var none T
	if wait := g.guesses.Wait(from, time.Now()); wait > 0 {
		d := denied(ReasonGuesses)
		d.Wait = wait
		return none, d
	}
	v, ok := guess()
	if !ok {
		g.guesses.Take(from, time.Now())
		return none, denied(ReasonKey)
	}
	return v, nil
}

// hookError is what is made of a hook's no, or of its silence, which is a no.
func (g *Gate) hookError(err error) error {
	var d *Denied
	if errors.As(err, &d) {
		return d
	}
	g.log.Warn("nobody is let in", "error", err)
	return fmt.Errorf("%w: %w", denied(ReasonHook), err)
}

// tell returns a function that makes a call once, in the background.
func (g *Gate) tell(s state, c call) func() {
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if c.url == "" || g.closed {
			return
		}
		g.told.Go(func() {
			if _, err := s.hooks.ask(g.ctx, c); err != nil {
				g.log.Warn("a hook was not told", "error", err)
			}
		})
	})
}
