package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/metrics"
)

// The tables in README.md are those of the program.
func TestReadme(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, table := range []struct{ name, want string }{
		{"configuration", configurationTable(t)},
		{"metrics", metricsTable(t)},
	} {
		begin, end := "<!-- "+table.name+" -->\n", "<!-- end of "+table.name+" -->\n"
		before, rest, opened := strings.Cut(text, begin)
		got, after, closed := strings.Cut(rest, end)
		if !opened || !closed {
			t.Errorf("README.md has no table between %q and %q", begin, end)
			continue
		}
		if got != table.want && !update() {
			t.Errorf("the %s table in README.md is not the program's; to renew it: UPDATE=1 go test ./cmd/sluice\n%s", table.name, table.want)
		}
		text = before + begin + table.want + end + after
	}
	if update() {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func configurationTable(t *testing.T) string {
	t.Helper()
	k, err := newParser(&options{}, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| flag | environment | default | |\n|---|---|---|---|\n")
	for _, f := range k.Model.Flags {
		env, def := "", ""
		if len(f.Envs) > 0 {
			env = "`" + f.Envs[0] + "`"
		}
		if f.HasDefault {
			def = "`" + f.Default + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | %s | %s | %s |\n", f.Name, env, def, f.Help)
	}
	return b.String()
}

// collected takes note of what is registered.
type collected struct {
	prometheus.Registerer
	series []prometheus.Collector
}

func (c *collected) MustRegister(cs ...prometheus.Collector) { c.series = append(c.series, cs...) }

func metricsTable(t *testing.T) string {
	t.Helper()
	var all collected
	metrics.New(&all)
	describe := regexp.MustCompile(`^Desc\{fqName: "(sluice_[^"]+)", help: "([^"]+)", .*variableLabels: \{([^}]*)\}`)
	type row struct{ name, kind, labels, help string }
	var rows []row
	for _, c := range all.series {
		descs := make(chan *prometheus.Desc, 100)
		c.Describe(descs)
		close(descs)
		for d := range descs {
			m := describe.FindStringSubmatch(d.String())
			if m == nil {
				continue // of the process or of Go
			}
			rows = append(rows, row{m[1], kindOf(c), strings.ReplaceAll(m[3], ",", ", "), m[2]})
		}
	}
	if len(rows) == 0 {
		t.Fatal("no series found")
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.name, b.name) })
	var b strings.Builder
	b.WriteString("| series | kind | labels | |\n|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.name, r.kind, r.labels, r.help)
	}
	return b.String()
}

func kindOf(c prometheus.Collector) string {
	switch c.(type) {
	case *prometheus.CounterVec:
		return "counter"
	case *prometheus.HistogramVec:
		return "histogram"
	default:
		return "gauge"
	}
}
