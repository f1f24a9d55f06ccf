package access

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/metrics"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

var home = netip.MustParseAddr("192.0.2.7")

func gate(t *testing.T, r Rules) *Gate {
	t.Helper()
	if err := r.check(); err != nil {
		t.Fatal(err)
	}
	g, _ := counted(t, r)
	return g
}

// counted returns a Gate and a function that returns the value of a series.
func counted(t *testing.T, r Rules) (*Gate, func(name string, labels ...string) float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	g, err := NewGate(t.Context(), r, slog.New(slog.DiscardHandler), metrics.New(registry))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g, func(name string, labels ...string) float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				var have []string
				for _, l := range m.GetLabel() {
					have = append(have, l.GetValue())
				}
				if f.GetName() == name && slices.Equal(have, labels) {
					return m.GetCounter().GetValue()
				}
			}
		}
		return 0
	}
}

// reason is why an error denies; "": it does not.
func reason(err error) Reason {
	var d *Denied
	if errors.As(err, &d) {
		return d.Reason
	}
	return ""
}

func hash(t *testing.T, text string) (h Hash) {
	t.Helper()
	if err := h.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestOpenByDefault(t *testing.T) {
	g := gate(t, Rules{})
	stream, done, err := g.Publish(t.Context(), Publisher{App: "live", Key: "cam", Address: home})
	if err != nil || stream != "live/cam" {
		t.Errorf("%q, %v", stream, err)
	}
	done()
	if !g.MayPublish(t.Context(), Publisher{App: "live", Key: "cam", Address: home}) {
		t.Error("not everybody may publish")
	}
	if _, err := g.Watch(t.Context(), Viewer{Stream: "live/cam", Address: home}); err != nil {
		t.Error(err)
	}
	if _, _, err := g.Publish(t.Context(), Publisher{App: "live", Key: strings.Repeat("k", 129), Address: home}); reason(err) != ReasonName {
		t.Errorf("a name of 129 bytes: %v", err)
	}
}

func TestKeys(t *testing.T) {
	key, written := NewKey()
	g := gate(t, Rules{Keys: []Key{{"live/show", hash(t, written)}}})
	for _, c := range []struct {
		app, key, token string
		want            Reason
	}{
		{"live", key, "", ""},
		{"any", key, "", ""}, // the key names the stream
		{"live", "show", key, ""},
		{"live", "other", key, ReasonKey},
		{"live", "show", "", ReasonKey},
		{"live", key + "x", "", ReasonKey},
		{"live", key, "x", ReasonKey},
	} {
		p := Publisher{App: c.app, Key: c.key, Address: home}
		if c.token != "" {
			p.Query = url.Values{"token": {c.token}}
		}
		stream, _, err := g.Publish(t.Context(), p)
		if reason(err) != c.want || err == nil && stream != "live/show" {
			t.Errorf("%+v: %q, %v", c, stream, err)
		}
		if err != nil && strings.Contains(err.Error(), key) {
			t.Errorf("the error tells the key: %v", err)
		}
		if may := g.MayPublish(t.Context(), p); may != (c.want == "" && c.token != "") {
			t.Errorf("%+v: may publish: %t", c, may)
		}
	}
}

// After some wrong guesses not even the right key is told from them, until the
// host has waited; other hosts do not feel it.
func TestGuesses(t *testing.T) {
	key, written := NewKey()
	g := gate(t, Rules{Keys: []Key{{"live/show", hash(t, written)}}})
	for range guessBurst {
		if _, _, err := g.Publish(t.Context(), Publisher{App: "live", Key: "guess", Address: home}); reason(err) != ReasonKey {
			t.Fatal(err)
		}
	}
	_, _, err := g.Publish(t.Context(), Publisher{App: "live", Key: key, Address: home})
	var d *Denied
	if !errors.As(err, &d) || d.Reason != ReasonGuesses || d.Wait <= 0 || d.Wait > guessEvery {
		t.Errorf("%+v", err)
	}
	if _, _, err := g.Publish(t.Context(), Publisher{App: "live", Key: key, Address: laptop}); err != nil {
		t.Errorf("another host: %v", err)
	}
}

func TestWatch(t *testing.T) {
	token, written := NewKey()
	secret := strings.Repeat("s", minSecret)
	g := gate(t, Rules{
		JWT: JWT{Secret: secret},
		Watch: []Watch{
			{Stream: "live/lobby", Open: true},
			{Stream: "live/*", Tokens: []Hash{hash(t, written)}, JWT: true},
		},
	})
	signed := func(action, stream string) string { return token256(t, secret, action, stream, time.Minute) }
	for _, c := range []struct {
		stream, token string
		want          Reason
	}{
		{"live/lobby", "", ""},
		{"demo/x", "", ""},
		{"live/staff", token, ""},
		{"live/staff", "", ReasonKey},
		{"live/staff", token + "x", ReasonKey},
		{"live/staff", signed("play", "live/*"), ""},
		{"live/staff", signed("play", "live/other"), ReasonKey},
		{"live/staff", signed("publish", "live/*"), ReasonKey},
	} {
		if _, err := g.Watch(t.Context(), Viewer{Stream: c.stream, Token: c.token, Address: home}); reason(err) != c.want {
			t.Errorf("%s: %v, want %q", c.stream, err, c.want)
		}
	}
}

func token256(t *testing.T, secret, action, stream string, life time.Duration) string {
	t.Helper()
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"action": action, "stream": stream, "exp": time.Now().Add(life).Unix(),
	}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJWT(t *testing.T) {
	secret := strings.Repeat("s", minSecret)
	g := gate(t, Rules{JWT: JWT{Secret: secret}})
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{
		"action": "publish", "stream": "live/show", "exp": time.Now().Add(time.Minute).Unix(),
	}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	eternal, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"action": "publish", "stream": "live/show"}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	good := token256(t, secret, "publish", "live/show", time.Minute)
	for _, c := range []struct {
		name, key, token, want string
	}{
		{"as the key", good, "", "live/show"},
		{"in the query", "show", good, "live/show"},
		{"for another stream", "other", good, ""},
		{"a pattern in the query", "x", token256(t, secret, "publish", "live/*", time.Minute), "live/x"},
		{"a pattern as the key", token256(t, secret, "publish", "live/*", time.Minute), "", ""},
		{"to play", token256(t, secret, "play", "live/show", time.Minute), "", ""},
		{"expired", token256(t, secret, "publish", "live/show", -time.Minute), "", ""},
		{"without an end", eternal, "", ""},
		{"of another secret", token256(t, strings.Repeat("x", minSecret), "publish", "live/show", time.Minute), "", ""},
		{"unsigned", none, "", ""},
	} {
		p := Publisher{App: "live", Key: c.key, Query: url.Values{}, Address: netip.MustParseAddr("2001:db8::1")}
		if c.token != "" {
			p.Query.Set("token", c.token)
		}
		stream, _, err := g.Publish(t.Context(), p)
		if stream != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.name, stream, err)
		}
	}
}

// A key set is fetched, kept, and fetched again when a token names a new key.
func TestJWKS(t *testing.T) {
	var mu sync.Mutex
	keys := map[string]*ecdsa.PrivateKey{}
	rotate := func(kid string) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		keys[kid] = key
		return key
	}
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var set struct {
			Keys []map[string]string `json:"keys"`
		}
		for kid, k := range keys {
			b64 := base64.RawURLEncoding.EncodeToString
			point, err := k.PublicKey.Bytes() // 4, X, Y
			if err != nil {
				t.Error(err)
				return
			}
			set.Keys = append(set.Keys, map[string]string{
				"kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "x": b64(point[1:33]), "y": b64(point[33:]),
			})
		}
		_ = json.NewEncoder(w).Encode(set)
	}))
	defer issuer.Close()
	publish := func(g *Gate, kid string, key *ecdsa.PrivateKey) error {
		tok := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
			"action": "publish", "stream": "live/show", "exp": time.Now().Add(time.Minute).Unix(),
		})
		tok.Header["kid"] = kid
		signed, err := tok.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = g.Publish(t.Context(), Publisher{App: "live", Key: signed, Address: home})
		return err
	}
	one := rotate("one")
	g := gate(t, Rules{JWT: JWT{JWKS: issuer.URL}})
	if err := publish(g, "one", one); err != nil {
		t.Fatal(err)
	}
	if err := publish(g, "two", rotate("two")); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
	if err := publish(g, "one", rotate("three")); err == nil {
		t.Error("a key of another name is good")
	}
}

// backEnd is a web server that hooks call.
type backEnd struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []url.Values
	answer func(w http.ResponseWriter, n int)
}

func newBackEnd(t *testing.T, answer func(w http.ResponseWriter, n int)) *backEnd {
	b := &backEnd{answer: answer}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(body))
		if err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("called with %s %q", r.Header.Get("Content-Type"), body)
		}
		var seconds string
		if _, rest, ok := strings.Cut(r.Header.Get("Sluice-Signature"), "t="); ok {
			seconds, _, _ = strings.Cut(rest, ",")
		}
		at, _ := time.ParseDuration(seconds + "s")
		if r.Header.Get("Sluice-Signature") != sign("hook secret", time.Unix(int64(at.Seconds()), 0), body) {
			t.Errorf("signed %q", r.Header.Get("Sluice-Signature"))
		}
		b.mu.Lock()
		b.calls = append(b.calls, form)
		n := len(b.calls)
		b.mu.Unlock()
		b.answer(w, n)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backEnd) rules() Rules {
	return Rules{Hooks: Hooks{OnPublish: b.URL, OnPublishDone: b.URL, OnPlay: b.URL, OnPlayDone: b.URL, Secret: "hook secret"}}
}

func TestHooks(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, n int)
		stream string
		calls  int
	}{
		{"2xx allows", func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusNoContent) }, "live/s3cret", 1},
		{"4xx refuses, at once", func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusForbidden) }, "", 1},
		{"a redirect renames", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Location", "show")
			w.WriteHeader(http.StatusFound)
		}, "live/show", 1},
		{"with the app", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Location", "tv/show")
			w.WriteHeader(http.StatusFound)
		}, "tv/show", 1},
		{"but not to a URL", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Location", "rtmp://elsewhere/live/show")
			w.WriteHeader(http.StatusFound)
		}, "", 1},
		{"nor to what is no name", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Location", "a b")
			w.WriteHeader(http.StatusFound)
		}, "", 1},
		{"5xx is tried again", func(w http.ResponseWriter, n int) {
			if n < hookTries {
				w.WriteHeader(http.StatusBadGateway)
			}
		}, "live/s3cret", hookTries},
		{"but not for ever", func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusBadGateway) }, "", hookTries},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBackEnd(t, c.answer)
			g := gate(t, b.rules())
			stream, _, err := g.Publish(t.Context(), Publisher{
				App: "live", Key: "s3cret", Address: home, Agent: "OBS",
				Query: url.Values{"user": {"ann"}, "addr": {"127.0.0.1"}}, // which must not pass for its address
			})
			if stream != c.stream || (err == nil) != (c.stream != "") {
				t.Errorf("%q, %v", stream, err)
			}
			if len(b.calls) != c.calls {
				t.Fatalf("%d calls, want %d", len(b.calls), c.calls)
			}
			for field, want := range map[string]string{
				"call": "publish", "app": "live", "name": "s3cret", "addr": "192.0.2.7", "flashver": "OBS", "user": "ann", "type": "live",
			} {
				if got := b.calls[0][field]; len(got) != 1 || got[0] != want {
					t.Errorf("%s is %q, want %q", field, got, want)
				}
			}
		})
	}
}

func TestHooksAreToldOfEnds(t *testing.T) {
	b := newBackEnd(t, func(http.ResponseWriter, int) {})
	g := gate(t, b.rules())
	_, done, err := g.Publish(t.Context(), Publisher{App: "live", Key: "cam", Address: home})
	if err != nil {
		t.Fatal(err)
	}
	left, err := g.Watch(t.Context(), Viewer{Stream: "live/cam", Token: "abc", Address: laptop})
	if err != nil {
		t.Fatal(err)
	}
	left()
	g.told.Wait()
	done()
	done() // once
	g.told.Wait()
	var kinds []string
	for _, c := range b.calls {
		kinds = append(kinds, c.Get("call"))
	}
	if got := strings.Join(kinds, " "); got != "publish play play_done publish_done" {
		t.Fatalf("called %s", got)
	}
	if b.calls[0].Get("clientid") != b.calls[3].Get("clientid") || b.calls[1].Get("clientid") != b.calls[2].Get("clientid") {
		t.Error("a call and its done have different ids")
	}
	if b.calls[1].Get("token") != "abc" {
		t.Error("on_play is not told the token")
	}
}

// What ended just before the Gate is closed is told all the same.
func TestCloseLetsHooksBeTold(t *testing.T) {
	b := newBackEnd(t, func(http.ResponseWriter, int) { time.Sleep(50 * time.Millisecond) }) // a slow one
	g := gate(t, b.rules())
	_, done, err := g.Publish(t.Context(), Publisher{App: "live", Key: "cam", Address: home})
	if err != nil {
		t.Fatal(err)
	}
	done()
	g.Close()
	if n := len(b.calls); n != 2 || b.calls[1].Get("call") != "publish_done" {
		t.Errorf("%d calls", n)
	}
}

// A hook that does not answer refuses, in a time that encoders wait.
func TestHookThatHangs(t *testing.T) {
	release := make(chan struct{})
	b := newBackEnd(t, func(http.ResponseWriter, int) { <-release })
	defer close(release)
	r := b.rules()
	r.Hooks.Timeout = 50 * time.Millisecond
	g := gate(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, _, err := g.Publish(ctx, Publisher{App: "live", Key: "cam", Address: home})
	if reason(err) != ReasonHook || ctx.Err() != nil {
		t.Errorf("%v, %v", err, ctx.Err())
	}
	if strings.Contains(err.Error(), b.URL) {
		t.Errorf("the error tells the hook's URL: %v", err)
	}
}

// A list shows what the asker may watch, and is no place to guess tokens at.
func TestVisible(t *testing.T) {
	a, hashA := NewKey()
	b, hashB := NewKey()
	secret := strings.Repeat("s", minSecret)
	g := gate(t, Rules{
		Watch: []Watch{
			{Stream: "live/open", Open: true},
			{Stream: "live/a", Tokens: []Hash{hash(t, hashA)}},
			{Stream: "live/b", Tokens: []Hash{hash(t, hashB)}},
			{Stream: "jwt/*", JWT: true},
		},
		JWT: JWT{Secret: secret},
	})
	all := []string{"else/x", "jwt/x", "jwt/y", "live/a", "live/b", "live/open"}
	token := token256(t, secret, "play", "jwt/x", time.Minute)
	for range 3 { // right ones are no guesses, however often
		for _, c := range []struct{ token, want string }{
			{"", "else/x live/open"},
			{a, "else/x live/a live/open"},
			{b, "else/x live/b live/open"},
			{token, "else/x jwt/x live/open"},
		} {
			if got := strings.Join(g.Visible(t.Context(), Viewer{Token: c.token, Address: home}, all), " "); got != c.want {
				t.Errorf("with %.8q: %s, want %s", c.token, got, c.want)
			}
		}
	}
	for range guessBurst {
		g.Visible(t.Context(), Viewer{Token: "wrong", Address: home}, all)
	}
	if got := g.Visible(t.Context(), Viewer{Token: a, Address: home}, all); len(got) != 2 {
		t.Errorf("after too many guesses a right one shows %s", got)
	}
}
