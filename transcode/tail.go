package transcode

import (
	"bytes"
	"strings"
	"sync"
)

// Limits of what is kept of stderr. Corrupt AAC makes ffmpeg say two lines a
// frame, the last ones are about its death.
const (
	tailLines = 20
	tailWidth = 300 // bytes of a line
)

// tail is an io.Writer that keeps the last lines written to it.
type tail struct {
	mu    sync.Mutex
	lines []string
	part  []byte // of the line that has not ended
}

// Write implements io.Writer. It never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	for {
		line, rest, ended := bytes.Cut(b, []byte("\n"))
		t.part = append(t.part, line[:min(len(line), tailWidth-len(t.part))]...)
		if !ended {
			return n, nil
		}
		t.end()
		b = rest
	}
}

// end ends the line; t.mu is held.
func (t *tail) end() {
	if line := strings.TrimSpace(string(t.part)); line != "" {
		t.lines = append(t.lines[max(0, len(t.lines)-tailLines+1):], line)
	}
	t.part = t.part[:0]
}

// String returns the lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
	return strings.Join(t.lines, "\n")
}
