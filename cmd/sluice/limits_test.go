package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/docs/docstest"
	"github.com/sluice-media/sluice/ingest/chunk"
)

// The limits in docs/limits.md are the defaults of their flags, or constants;
// packages that keep theirs to themselves have tests like this one.
func TestLimits(t *testing.T) {
	k, err := newParser(&options{}, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{}
	for _, f := range k.Model.Flags {
		defaults["--"+f.Name] = f.Default
	}
	for _, row := range docstest.Limits(t) {
		if !strings.HasPrefix(row.Setting, "--") {
			continue
		}
		def, known := defaults[row.Setting]
		if !known {
			t.Errorf("docs/limits.md: there is no %s", row.Setting)
			continue
		}
		if def != "" && !strings.HasPrefix(row.Limit, inWords(def)) || def == "" && row.Limit != "none" && !strings.Contains(row.Limit, "for each CPU") {
			t.Errorf("docs/limits.md: %s: %q, but the default of %s is %q", row.What, row.Limit, row.Setting, def)
		}
	}
	docstest.Says(t, "unfinished messages, before publication", docstest.Bytes(2*chunk.MaxCommand))
	docstest.Says(t, "unfinished messages of one publisher", docstest.Bytes(chunk.MaxMessage*3/2))
}

// inWords writes a flag's default as the documentation does: 10s is 10 s, 8M
// is 8 MiB.
func inWords(value string) string {
	if d, err := time.ParseDuration(value); err == nil && d > 0 {
		return docstest.Seconds(d)
	}
	for unit, name := range map[string]string{"MiB": " MiB", "KiB": " KiB", "M": " MiB"} {
		if n, ok := strings.CutSuffix(value, unit); ok {
			return n + name
		}
	}
	return value
}
