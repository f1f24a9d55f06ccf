package transcode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"time"
)

// checkTimeout is for one question to ffmpeg. It answers in 0.1 s; a cold disk
// may need seconds.
const checkTimeout = 20 * time.Second

// remedy ends every sentence about an ffmpeg that cannot be used.
const remedy = "install one with: apt-get install ffmpeg"

// check finds ffmpeg, makes sure that it can do what is asked of it, and
// returns its path and version.
func check(ctx context.Context, name string) (path, version string, err error) {
	path, err = exec.LookPath(name)
	if err != nil {
		return "", "", fmt.Errorf("transcode: AAC sound needs ffmpeg, and %q cannot be run (%w); %s", name, reason(err), remedy)
	}
	answer, err := ask(ctx, path, "-version")
	if err != nil {
		return "", "", fmt.Errorf("transcode: AAC sound needs ffmpeg, and %s -version fails (%w); %s", path, err, remedy)
	}
	version, _, _ = strings.Cut(answer, "\n")
	for _, need := range []struct{ list, kind, name string }{
		{"-encoders", "encoder", "libopus"},
		{"-muxers", "muxer", "nut"},
	} {
		answer, err := ask(ctx, path, need.list)
		if err != nil {
			return "", "", fmt.Errorf("transcode: AAC sound needs ffmpeg, and %s %s fails (%w); %s", path, need.list, err, remedy)
		}
		if !lists(answer, need.name) {
			return "", "", fmt.Errorf("transcode: AAC sound needs ffmpeg, and %s has no %s %s; %s", path, need.kind, need.name, remedy)
		}
	}
	return path, version, nil
}

// checkEncoder says why ffmpeg has no encoder, nil if it has.
func checkEncoder(ctx context.Context, path, encoder string) error {
	answer, err := ask(ctx, path, "-encoders")
	if err != nil {
		return fmt.Errorf("transcode: %s -encoders fails: %w", path, err)
	}
	if !lists(answer, encoder) {
		return fmt.Errorf("transcode: %s has no encoder %s", path, encoder)
	}
	return nil
}

// tryHardware encodes one picture, because ffmpeg has encoders for hardware and
// drivers that the machine has not.
func tryHardware(ctx context.Context, path, encoder string) error {
	_, err := ask(ctx, path, videoSpec{width: 640, height: 360, fps: 30, bitrate: 1_000_000}.trial(encoder)...)
	if err != nil {
		return fmt.Errorf("transcode: the encoder %s does not work on this machine (%w); choose another with --video-encoder", encoder, err)
	}
	return nil
}

// reason leaves out the name, which the sentence has already.
func reason(err error) error {
	if e := (*exec.Error)(nil); errors.As(err, &e) {
		err = e.Err
	}
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return err
}

func ask(ctx context.Context, path string, question ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, append([]string{"-hide_banner"}, question...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // for what a wrapper may have started
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("no answer within %v: %w", checkTimeout, ctx.Err())
		}
		if said, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n"); said != "" {
			return "", fmt.Errorf("%w: %.200s", err, said)
		}
		return "", err
	}
	return stdout.String(), nil
}

// lists says whether a line of ffmpeg's list has name in its second column.
func lists(answer, name string) bool {
	for line := range strings.Lines(answer) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == name {
			return true
		}
	}
	return false
}
