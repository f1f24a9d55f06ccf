package access

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/metrics"
)

// Hooks are URLs that are asked (on_publish, on_play) and told (the others).
// They are called as nginx-rtmp calls them: a POST of a form with call, app,
// name, addr, clientid, flashver, tcurl and the parameters of the stream's URL.
// 2xx allows, a redirect to a name publishes under that name, all else refuses.
type Hooks struct {
	OnPublish     string        `yaml:"on_publish"`
	OnPublishDone string        `yaml:"on_publish_done"`
	OnPlay        string        `yaml:"on_play"`
	OnPlayDone    string        `yaml:"on_play_done"`
	Format        string        `yaml:"format"`  // form (default) or json
	Secret        string        `yaml:"secret"`  // signs the calls, see sign
	Timeout       time.Duration `yaml:"timeout"` // of one call; default 3 s
}

const (
	hookTimeout = 3 * time.Second
	// hookTries bounds the tries of one call. Only calls that got no answer, or
	// 5xx, are tried again.
	hookTries = 3
	hookPause = 200 * time.Millisecond
)

func (h Hooks) check() error {
	for name, text := range map[string]string{
		"on_publish": h.OnPublish, "on_publish_done": h.OnPublishDone, "on_play": h.OnPlay, "on_play_done": h.OnPlayDone,
	} {
		if text == "" {
			continue
		}
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("hooks: %s must be an http or https URL", name)
		}
	}
	if h.Format != "" && h.Format != "form" && h.Format != "json" {
		return errors.New("hooks: format must be form or json")
	}
	return nil
}

// call is what a hook is told.
type call struct {
	url, kind string
	id        string // the same in a call and its done
	app, name string
	query     url.Values
	addr      netip.Addr
	agent     string
}

func (c call) values() url.Values {
	v := url.Values{}
	for key, values := range c.query {
		v[key] = values
	}
	for key, value := range map[string]string{ // which no parameter may pretend to be
		"call": c.kind, "app": c.app, "name": c.name, "addr": c.addr.String(), "clientid": c.id,
		"flashver": c.agent, "type": "live", "swfurl": "", "pageurl": "", "tcurl": "",
	} {
		v.Set(key, value)
	}
	return v
}

// hooks makes the calls.
type hooks struct {
	Hooks
	client *http.Client
	series metrics.Access
}

func newHooks(h Hooks, series metrics.Access) *hooks {
	if h.Timeout <= 0 {
		h.Timeout = hookTimeout
	}
	return &hooks{h, &http.Client{
		Timeout:       h.Timeout,
		Transport:     &http.Transport{MaxConnsPerHost: 64, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, series}
}

// errHook is wrapped by errors about hooks that could not be asked.
var errHook = errors.New("hook")

// ask makes a call. It returns the name that the hook wants instead, or "".
func (h *hooks) ask(ctx context.Context, c call) (rename string, err error) {
	for try := range hookTries {
		if try > 0 {
			select {
			case <-time.After(hookPause << try):
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		var again bool
		if rename, again, err = h.try(ctx, c); !again {
			break
		}
	}
	return rename, err
}

func (h *hooks) try(ctx context.Context, c call) (rename string, again bool, err error) {
	defer func() { h.series.Hook(c.kind, result(err)) }()
	req, err := h.request(ctx, c)
	if err != nil {
		return "", false, fmt.Errorf("%w %s: %w", errHook, c.kind, err)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		var u *url.Error // its text holds the URL, which may hold a secret
		if errors.As(err, &u) {
			err = u.Err
		}
		return "", true, fmt.Errorf("%w %s: %w", errHook, c.kind, err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection serves again
	switch status := resp.StatusCode; {
	case status < 300:
		return "", false, nil
	case status < 400:
		rename = resp.Header.Get("Location")
		if rename == "" || strings.Contains(rename, "://") {
			return "", false, fmt.Errorf("%w %s: it redirects to something that is no name", errHook, c.kind)
		}
		return rename, false, nil
	case status < 500:
		return "", false, denied(ReasonHook)
	default:
		return "", true, fmt.Errorf("%w %s: it answers %d", errHook, c.kind, status)
	}
}

func result(err error) string {
	var d *Denied
	switch {
	case err == nil:
		return "allowed"
	case errors.As(err, &d):
		return "denied"
	default:
		return "failed"
	}
}

func (h *hooks) request(ctx context.Context, c call) (*http.Request, error) {
	body, kind := []byte(c.values().Encode()), "application/x-www-form-urlencoded"
	if h.Format == "json" {
		fields := make(map[string]string)
		for key, values := range c.values() {
			fields[key] = strings.Join(values, ",")
		}
		body, _ = json.Marshal(fields) // of strings: cannot fail
		kind = "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	if h.Secret != "" {
		req.Header.Set("Sluice-Signature", sign(h.Secret, time.Now(), body))
	}
	return req, nil
}

// sign returns t=SECONDS,v1=HEX: the HMAC-SHA-256 of "SECONDS.BODY". The time
// is signed too, so that a call that was overheard cannot be played again.
func sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// newID returns a hook's clientid.
func newID() string { return rand.Text() }
