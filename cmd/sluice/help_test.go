package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// update rewrites what tests compare with: UPDATE=1 go test ./cmd/sluice
func update() bool { return os.Getenv("UPDATE") != "" }

func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	if stderr.Len() > 0 {
		t.Errorf("stderr: %s", &stderr)
	}
	golden := filepath.Join("testdata", "help.txt")
	if update() {
		if err := os.WriteFile(golden, stdout.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stdout.Bytes(), want) {
		t.Errorf("--help is not what %s holds; if it should be: UPDATE=1 go test ./cmd/sluice\n%s", golden, &stdout)
	}
}

// Who has the environment wrong must be able to read how it is done.
func TestHelpDespiteEnvironment(t *testing.T) {
	t.Setenv("SLUICE_MAX_VIEWERS", "many")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, &stdout, &stderr); code != exitOK {
		t.Errorf("exit code %d, want %d: %s", code, exitOK, &stderr)
	}
}

func TestVersion(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--version"}, &stdout, &stderr); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	if !strings.HasPrefix(stdout.String(), "sluice ") || !strings.HasSuffix(stdout.String(), "\n") {
		t.Errorf("--version says %q", stdout.String())
	}
}
