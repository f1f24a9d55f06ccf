package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestLogger(t *testing.T) {
	var text, lines bytes.Buffer
	for _, l := range []struct {
		w      *bytes.Buffer
		format string
	}{{&text, "text"}, {&lines, "json"}} {
		logger := newLogger(l.w, "warn", l.format)
		logger.Info("too quiet")
		logger.Warn("loud", "after", 1500*time.Millisecond)
	}
	if got := text.String(); !strings.HasSuffix(got, "level=WARN msg=loud after=1.5s\n") || strings.Contains(got, "quiet") {
		t.Errorf("text log is %q", got)
	}
	var rec struct{ Level, Msg, After string }
	if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
		t.Fatalf("JSON log is %s: %v", &lines, err)
	}
	if rec.Level != "WARN" || rec.Msg != "loud" || rec.After != "1.5s" {
		t.Errorf("JSON log is %s", &lines)
	}
}
