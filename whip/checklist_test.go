package whip

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestChecklist keeps docs/conformance.md true: each rule that it says is obeyed
// is named by tests, as often as it says.
func TestChecklist(t *testing.T) {
	const doc = "../docs/conformance.md"
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	checks := countChecks(t)
	rules := 0
	row := regexp.MustCompile(`(?m)^(\| (\d+) \| .*) \| (\d+) \|$`)
	want := row.ReplaceAllStringFunc(string(text), func(line string) string {
		rules++
		m := row.FindStringSubmatch(line)
		n := checks[m[2]]
		if applies := !strings.Contains(line, "| does not apply:"); applies != (n > 0) {
			t.Errorf("rule %s applies: %t, and has %d checks", m[2], applies, n)
		}
		if m[2] != fmt.Sprint(rules) {
			t.Errorf("row %d is of rule %s", rules, m[2])
		}
		return fmt.Sprintf("%s | %d |", m[1], n)
	})
	if rules != 68 {
		t.Errorf("%d rules", rules)
	}
	if want == string(text) {
		return
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(doc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s counts other checks than there are; to renew it: UPDATE=1 go test -run Checklist ./whip", doc)
}

// countChecks counts the places in this package's tests that name a rule.
func countChecks(t *testing.T) map[string]int {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	label := regexp.MustCompile(`\bA[1-9]\.(\d+)\b`)
	checks := map[string]int{}
	for _, name := range files {
		if name == "checklist_test.go" {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range label.FindAllSubmatch(source, -1) {
			checks[string(m[1])]++
		}
	}
	return checks
}
