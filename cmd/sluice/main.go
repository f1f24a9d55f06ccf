// Command sluice takes live streams over RTMP and plays them to browsers over
// WebRTC.
//
// It is policy and wiring: the only reader of flags, environment and files,
// and the place where the stages of a stream are joined. The goroutine that
// calls run waits for everything it starts; the servers it makes own theirs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// Exit codes, documented in --help.
const (
	exitOK      = 0
	exitFailure = 1 // could not start, or failed while running
	exitUsage   = 2 // wrong flag, environment variable or configuration file
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal meets the default: it kills
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// gcPercent is half of Go's default: sending makes no garbage, so that
// collecting twice as often costs nothing that could be measured, and a viewer
// a tenth less memory.
const gcPercent = 50

// run is the whole program, from its arguments to its exit code. It serves
// until ctx is done.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "key" {
		if err := printKey(args[1:], stdout); err != nil {
			fmt.Fprintf(stderr, "sluice: %s\n", err)
			return exitUsage
		}
		return exitOK
	}
	if len(args) > 0 && args[0] == "doctor" {
		code, err := diagnose(ctx, args[1:], stdout)
		if err != nil {
			fmt.Fprintf(stderr, "sluice: %s\n", err)
		}
		return code
	}
	if operates(args) {
		return operate(ctx, args, stdout, stderr)
	}
	opts, err := parse(args, stdout)
	if errors.Is(err, errAnswered) {
		return exitOK
	}
	if err != nil {
		sentence := strings.Join(strings.Fields(err.Error()), " ") // the YAML parser likes lines
		fmt.Fprintf(stderr, "sluice: %s\nTry: sluice --help\n", sentence)
		return exitUsage
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	logger := newLogger(stderr, opts.LogLevel, opts.LogFormat)
	if err := serve(ctx, opts, logger, stdout); err != nil {
		logger.Error(err.Error())
		return exitFailure
	}
	return exitOK
}
