package access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"gopkg.in/yaml.v3"
)

// Rules are the content of an access file. Without any, everybody may publish
// and watch.
type Rules struct {
	// Keys are the keys that may publish, each under one name.
	Keys []Key `yaml:"keys"`

	// Publish says what is done with which streams; the first that fits counts.
	Publish []Publish `yaml:"publish"`

	// Watch says who may watch which streams; the first that fits counts, and
	// where none does everybody may.
	Watch []Watch `yaml:"watch"`

	// JWT verifies signed tokens of publishers and viewers.
	JWT JWT `yaml:"jwt"`

	// Hooks are asked over HTTP, after the rules above, and told of ends.
	Hooks Hooks `yaml:"hooks"`
}

// Key lets its holder publish a stream.
type Key struct {
	Stream string `yaml:"stream"` // app/key, the public name
	Hash   Hash   `yaml:"hash"`
}

// Publish says what is done with the streams of a pattern (path.Match).
type Publish struct {
	Stream  string `yaml:"stream"`
	BFrames string `yaml:"b-frames"` // reencode, pass or refuse, instead of --b-frames
}

// Watch says who may watch the streams of a pattern (path.Match).
type Watch struct {
	Stream string `yaml:"stream"`
	Open   bool   `yaml:"open"`   // everybody
	Tokens []Hash `yaml:"tokens"` // who has one of these
	JWT    bool   `yaml:"jwt"`    // who has a JWT for it
}

// ParseRules reads an access file. Errors name what is wrong, never a secret.
func ParseRules(text []byte) (Rules, error) {
	var r Rules
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil && !errors.Is(err, io.EOF) {
		return Rules{}, err
	}
	return r, r.check()
}

func (r Rules) check() error {
	for i, k := range r.Keys {
		if err := CheckName(k.Stream); err != nil {
			return fmt.Errorf("keys, entry %d: %w", i+1, err)
		}
		if k.Hash == (Hash{}) {
			return fmt.Errorf("keys, entry %d: the hash of %s is missing", i+1, k.Stream)
		}
	}
	for i, p := range r.Publish {
		if _, err := path.Match(p.Stream, ""); err != nil || p.Stream == "" {
			return fmt.Errorf("publish, entry %d: the stream must be a name or a pattern such as live/*", i+1)
		}
		if p.BFrames != "reencode" && p.BFrames != "pass" && p.BFrames != "refuse" {
			return fmt.Errorf("publish, entry %d: the b-frames of %s must be reencode, pass or refuse", i+1, p.Stream)
		}
	}
	for i, w := range r.Watch {
		if _, err := path.Match(w.Stream, ""); err != nil || w.Stream == "" {
			return fmt.Errorf("watch, entry %d: the stream must be a name or a pattern such as live/*", i+1)
		}
		if closed := len(w.Tokens) > 0 || w.JWT; closed == w.Open {
			return fmt.Errorf("watch, entry %d: %s needs tokens, jwt or both, or else open", i+1, w.Stream)
		}
		if w.JWT && !r.JWT.on() {
			return fmt.Errorf("watch, entry %d: %s needs a JWT, but jwt has no keys", i+1, w.Stream)
		}
	}
	return errors.Join(r.JWT.check(), r.Hooks.check())
}

// watch returns the rule for a stream that not everybody may watch, else nil.
func (r *Rules) watch(stream string) *Watch {
	for i := range r.Watch {
		w := &r.Watch[i]
		if ok, _ := path.Match(w.Stream, stream); !ok { // the pattern was checked
			continue
		}
		if w.Open {
			return nil
		}
		return w
	}
	return nil
}

// bFrames returns what is to be done about B-frames of a stream; empty: what is
// done everywhere.
func (r *Rules) bFrames(stream string) string {
	for i := range r.Publish {
		if ok, _ := path.Match(r.Publish[i].Stream, stream); ok { // the pattern was checked
			return r.Publish[i].BFrames
		}
	}
	return ""
}

// maxSegment is the greatest length of either part of a name in bytes. Names
// end up in URLs, logs and metric labels.
const maxSegment = 128

// CheckName refuses what is no public name of a stream: app/key, each part of
// letters, digits and - . _ ~ (RFC 3986 §2.3), so that a URL spells it in one
// way only.
func CheckName(stream string) error {
	app, key, ok := strings.Cut(stream, "/")
	if !ok {
		return errors.New("a stream's name is written app/key")
	}
	for _, s := range []string{app, key} {
		switch {
		case s == "" || s == "." || s == "..":
			return errors.New("a part of the stream's name is empty or dots")
		case len(s) > maxSegment:
			return fmt.Errorf("a part of the stream's name is longer than %d bytes", maxSegment)
		case strings.ContainsFunc(s, reserved):
			return errors.New("a stream's name may hold letters, digits and - . _ ~ only")
		}
	}
	return nil
}

func reserved(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~", c)
}
