package transcode

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// fake writes a program that passes for ffmpeg when it is asked what it can
// do, and otherwise does what the shell commands in body say.
func fake(t testing.TB, body string) (path string) {
	t.Helper()
	return script(t, `case "$2" in
-version) echo "ffmpeg version 0-fake" ;;
-encoders) echo " A....D libopus  libopus Opus (codec opus)"; echo " V....D libx264  libx264 H.264" ;;
-muxers) echo "  E nut             NUT" ;;
*) `+body+` ;;
esac`)
}

func script(t testing.TB, body string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\n%s\n", body), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// realFFmpeg is a shell command that becomes it.
func realFFmpeg(t testing.TB) string {
	t.Helper()
	path := os.Getenv("SLUICE_TEST_FFMPEG")
	if path == "" {
		var err error
		if path, err = exec.LookPath("ffmpeg"); err != nil {
			t.Fatal(err)
		}
	}
	return `exec ` + path + ` "$@"`
}
