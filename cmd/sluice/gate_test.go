package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPrintKey(t *testing.T) {
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"key", "live/show"}, &out, &errs); code != exitOK {
		t.Fatalf("exit code %d, %s", code, &errs)
	}
	line := regexp.MustCompile(`(?m)^  (- \{.*)$`).FindStringSubmatch(out.String())
	if line == nil {
		t.Fatalf("no line for the file: %s", &out)
	}
	if rules, err := readRules(file(t, "keys:\n"+line[1])); err != nil || len(rules.Keys) != 1 || rules.Keys[0].Stream != "live/show" {
		t.Errorf("%+v, %v", rules, err)
	}
	if code := run(t.Context(), []string{"key", "a b"}, &out, &errs); code != exitUsage {
		t.Errorf("exit code %d for a name that is none", code)
	}
}

// A change of the access file counts at once; a mistake in it changes nothing.
func TestAccessFileIsReadAgain(t *testing.T) {
	path := file(t, "watch: [{stream: live/*, open: true}]")
	g := startGateway(t, "--video-only", "--access="+path)
	change := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	change("watch: []\n# renewed")
	g.until("access rules renewed")
	change("wtach: []\n#")
	g.until("the access rules stay as they were")
	g.stop()
	if code := g.exitCode(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
