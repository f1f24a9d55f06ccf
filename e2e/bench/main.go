//go:build linux

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/e2e/load"
)

// clipGOP is the distance of the IDRs of the stream that all servers send.
const clipGOP = 2 * time.Second

// options are the command line.
type options struct {
	servers []string
	viewers []int
	length  time.Duration
	rate    float64
	churn   int
	traits  load.Traits
	sluice  string
	clip    string
	out     string
	foreign foreign
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "plain":
			return servePlain(ctx, args[1:])
		case "floor":
			return sendFloor(ctx, args[1:])
		}
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sluice-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	clip, err := o.openClip(ctx, dir)
	if err != nil {
		return err
	}
	var results []result
	for _, n := range o.viewers {
		for _, name := range o.servers {
			r, err := measure(ctx, o, clip, name, n)
			if err != nil {
				return fmt.Errorf("%s with %d viewers: %w", name, n, err)
			}
			if len(results) == 0 {
				fmt.Println(header)
			}
			fmt.Println(r.row())
			results = append(results, r)
		}
	}
	fmt.Print(ratios(results))
	return write(o.out, results)
}

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	servers := f.String("servers", "sluice,plain,floor", "which of its servers to measure, one after the other")
	viewers := f.String("viewers", "100,400", "numbers of viewers")
	f.DurationVar(&o.length, "for", 10*time.Second, "how long to measure, once all have joined")
	f.Float64Var(&o.rate, "rate", 100, "joins a second")
	f.IntVar(&o.churn, "churn", 0, "viewers a second that come and go besides, for a second each")
	f.BoolVar(&o.traits.GCM, "gcm", false, "receivers choose AES-GCM where the server lets them; Chromium does not")
	f.BoolVar(&o.traits.Whole, "whole", true, "receivers take packets in the pieces in which they were sent (UDP_GRO)")
	f.StringVar(&o.sluice, "sluice", "bin/sluice", "Sluice's binary")
	f.StringVar(&o.clip, "clip", "", "FLV file to publish; made with ffmpeg if there is none")
	f.StringVar(&o.out, "out", "", "file to write the results to: NAME.json and NAME.svg")
	f.StringVar(&o.foreign.whep, "whep", "", "WHEP URL of a server that runs already, instead of -servers")
	f.StringVar(&o.foreign.rtmp, "rtmp", "", "HOST:PORT/APP/KEY to publish to that server; empty if something else publishes")
	f.IntVar(&o.foreign.pid, "pid", 0, "that server's process id, for CPU time and memory")
	f.StringVar(&o.foreign.admin, "metrics", "", "that server's Prometheus URL, for the number of goroutines")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.servers = strings.Split(*servers, ",")
	if o.foreign.whep != "" {
		o.servers = []string{o.foreign.whep}
	}
	for text := range strings.SplitSeq(*viewers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-viewers: %q is not a number of viewers", text)
		}
		o.viewers = append(o.viewers, n)
	}
	return o, nil
}

func (o *options) openClip(ctx context.Context, dir string) (*load.Clip, error) {
	file := cmp.Or(o.clip, filepath.Join(dir, "clip.flv"))
	o.clip = file
	if _, err := os.Stat(file); err == nil {
		return load.ReadClip(file)
	}
	return load.NewClip(ctx, file, clipGOP)
}

func write(name string, results []result) error {
	if name == "" {
		return nil
	}
	text, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(name+".json", append(text, '\n'), 0o644),
		os.WriteFile(name+".svg", []byte(plot(results)), 0o644),
	)
}
