package access

import (
	"strings"
	"testing"
)

func TestParseRules(t *testing.T) {
	_, h := NewKey()
	r, err := ParseRules([]byte("keys:\n- {stream: live/show, hash: \"" + h + "\"}\nwatch:\n- {stream: live/*, tokens: [\"" + h + "\"]}\nhooks: {on_play: http://127.0.0.1/p, timeout: 2s}\n"))
	if err != nil || len(r.Keys) != 1 || len(r.Watch) != 1 || r.Hooks.Timeout.Seconds() != 2 || r.Keys[0].Hash == (Hash{}) {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := ParseRules(nil); err != nil {
		t.Errorf("an empty file: %v", err)
	}
	for text, want := range map[string]string{
		"kyes: []": "kyes",
		"keys: [{stream: live/show, hash: MYS3CRET}]":                 "sluice key",
		"keys: [{stream: live/show}]":                                 "hash of live/show is missing",
		"keys: [{stream: show, hash: \"" + h + "\"}]":                 "app/key",
		"keys: [{stream: live/a b, hash: \"" + h + "\"}]":             "letters, digits",
		"publish: [{stream: live/x, b-frames: drop}]":                 "reencode, pass or refuse",
		"publish: [{stream: \"[\", b-frames: pass}]":                  "pattern",
		"watch: [{stream: live/x}]":                                   "needs tokens",
		"watch: [{stream: live/x, jwt: true}]":                        "jwt has no keys",
		"watch: [{stream: \"[\", open: true}]":                        "pattern",
		"jwt: {secret: short}":                                        "32 bytes",
		"jwt: {keys: [MYS3CRET]}":                                     "PEM",
		"hooks: {on_publish: \"MYS3CRET\"}":                           "on_publish must be",
		"hooks: {format: xml}":                                        "form or json",
		"watch: [{stream: a/b, open: true, tokens: [\"" + h + "\"]}]": "or else open",
	} {
		if _, err := ParseRules([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "MYS3CRET") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestBFrames(t *testing.T) {
	r, err := ParseRules([]byte("publish:\n- {stream: live/raw, b-frames: pass}\n- {stream: live/*, b-frames: refuse}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[string]string{"live/raw": "pass", "live/show": "refuse", "other/show": ""} {
		if got := r.bFrames(stream); got != want {
			t.Errorf("%s: %q, want %q", stream, got, want)
		}
	}
}
