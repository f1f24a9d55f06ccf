package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// lookAtFiles is how often watched files are looked at for a change.
const lookAtFiles = 2 * time.Second

// watch calls renew whenever one of the files has changed, and on SIGHUP, until
// the gateway ends.
func (g *gateway) watch(ctx context.Context, part string, files []string, renew func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it ends in its turn
	ended := make(chan struct{})
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	ticker := time.NewTicker(lookAtFiles)
	seen := stamp(files)
	go func() {
		defer close(ended)
		defer signal.Stop(hangUp)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangUp:
			case <-ticker.C:
				now := stamp(files)
				if now == seen {
					continue
				}
				seen = now
			}
			renew(ctx)
		}
	}()
	g.parts.push(part, func(context.Context) error { cancel(); <-ended; return nil })
}

// stamp tells one content of files from the next.
func stamp(files []string) string {
	var b strings.Builder
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintln(&b, err)
			continue
		}
		fmt.Fprintln(&b, info.ModTime(), info.Size())
	}
	return b.String()
}
