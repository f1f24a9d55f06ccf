// Package docstest holds the tables of the documentation against the code, in
// tests.
package docstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Limit is a row of docs/limits.md.
type Limit struct{ What, Limit, Setting string }

// Limits returns the rows of docs/limits.md.
func Limits(tb testing.TB) (rows []Limit) {
	tb.Helper()
	text, err := os.ReadFile(find(tb, "docs/limits.md"))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 5 && !strings.HasPrefix(cells[1], "-") {
			rows = append(rows, Limit{strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]), strings.Trim(cells[3], " `")})
		}
	}
	return rows
}

// Says checks that docs/limits.md gives a limit, in its words.
func Says(tb testing.TB, what, limit string) {
	tb.Helper()
	for _, row := range Limits(tb) {
		if row.What == what {
			if row.Limit != limit {
				tb.Errorf("docs/limits.md: %s: %q, but it is %q", what, row.Limit, limit)
			}
			return
		}
	}
	tb.Errorf("docs/limits.md does not say that of %s there is %q at most", what, limit)
}

// Bytes writes a number of bytes as the documentation does.
func Bytes(n int) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// Seconds does the same with a time.
func Seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// find looks for a file of the project from the test's folder upwards.
func find(tb testing.TB, name string) string {
	tb.Helper()
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if abs, err := filepath.Abs(dir); err != nil || abs == "/" {
			tb.Fatalf("%s was not found", name)
		}
	}
}
