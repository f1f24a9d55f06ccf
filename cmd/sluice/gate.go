package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/sluice-media/sluice/access"
	"github.com/sluice-media/sluice/egress"
	"github.com/sluice-media/sluice/whip"
)

// printKey is sluice key NAME: it makes a key and prints what to put where.
func printKey(args []string, w io.Writer) error {
	if len(args) != 1 {
		return errors.New("sluice key takes one name, such as live/show")
	}
	if err := access.CheckName(args[0]); err != nil {
		return err
	}
	key, hash := access.NewKey()
	fmt.Fprintf(w, "Stream key or viewer's token, shown only here:  %s\n\nFor the file of --access, under keys:\n\n  - {stream: %s, hash: %q}\n", key, args[0], hash)
	return nil
}

// readRules reads the access file; without one there are no rules.
func readRules(path string) (access.Rules, error) {
	if path == "" {
		return access.Rules{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return access.Rules{}, fmt.Errorf("--access: %w", err)
	}
	r, err := access.ParseRules(text)
	if err != nil {
		return access.Rules{}, fmt.Errorf("--access %s: %w", path, err)
	}
	return r, nil
}

// startGate opens the gate and keeps its rules those of the file.
func (g *gateway) startGate(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // it ends in its turn
	rules, err := readRules(g.opts.Access)
	if err != nil {
		return err
	}
	if g.gate, err = access.NewGate(ctx, rules, g.logger, g.metrics); err != nil {
		return fmt.Errorf("--access %s: %w", g.opts.Access, err)
	}
	g.parts.push("gate", func(context.Context) error { g.gate.Close(); return nil })
	if g.opts.Access == "" {
		return nil
	}
	g.watch(ctx, "access file", []string{g.opts.Access}, g.renewRules)
	return nil
}

// renewRules reads the access file again. A file with a mistake leaves the
// rules as they are.
func (g *gateway) renewRules(ctx context.Context) {
	rules, err := readRules(g.opts.Access)
	if err == nil {
		err = g.gate.Renew(ctx, rules)
	}
	if err != nil {
		g.logger.Error("the access rules stay as they were", "error", err)
		return
	}
	g.logger.Info("access rules renewed", "keys", len(rules.Keys), "watch", len(rules.Watch))
}

// viewer is a visit as the gate sees it.
func viewer(v whip.Visit) access.Viewer {
	from, _ := netip.ParseAddrPort(v.RemoteAddr) // none: all such share a limit
	return access.Viewer{Stream: v.Stream, Token: v.Token, Address: from.Addr(), Agent: v.Agent}
}

// authorize is how whip asks the gate.
func (g *gateway) authorize(ctx context.Context, v whip.Visit) (func(), error) {
	if g.phase.n.Load() == draining {
		return nil, fmt.Errorf("watch %s: %w", v.Stream, egress.ErrClosed)
	}
	if access.CheckName(v.Stream) != nil {
		return nil, egress.ErrNoStream // nor will there be one
	}
	done, err := g.gate.Watch(ctx, viewer(v))
	var denied *access.Denied
	if errors.As(err, &denied) {
		return nil, &whip.Denied{Detail: denied.Detail, RetryAfter: denied.Wait}
	}
	return done, err
}

// mayPublish is how whip asks whether somebody who only looks may publish.
func (g *gateway) mayPublish(ctx context.Context, v whip.Visit) bool {
	from, _ := netip.ParseAddrPort(v.RemoteAddr)
	app, key, _ := strings.Cut(v.Stream, "/")
	return g.gate.MayPublish(ctx, access.Publisher{
		App: app, Key: key, Query: url.Values{"token": {v.Token}}, Address: from.Addr(), Agent: v.Agent,
	})
}

// visible is how whip asks which streams may be listed.
func (g *gateway) visible(ctx context.Context, v whip.Visit, streams []string) []string {
	return g.gate.Visible(ctx, viewer(v), streams)
}
