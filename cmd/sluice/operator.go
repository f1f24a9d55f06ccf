package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sluice-media/sluice/admin"
	"github.com/sluice-media/sluice/egress"
)

// operator is the command line of those commands that ask a running Sluice.
type operator struct {
	AdminAddr string `name:"admin-addr" env:"SLUICE_ADMIN_ADDR" default:"127.0.0.1:9095" placeholder:"HOST:PORT" help:"The admin port of the Sluice that is asked."`
	JSON      bool   `name:"json" help:"Print what the API says, for programs."`

	Streams struct{} `cmd:"" help:"List the streams and who publishes them."`
	Viewers struct {
		Stream string `arg:"" optional:"" help:"Only those of this stream."`
	} `cmd:"" help:"List the viewers."`
	Kick struct {
		Target []string `arg:"" help:"Streams, whose publishers go, such as live/show, or viewers, by the ID that sluice viewers prints."`
	} `cmd:"" help:"End publications or viewers. Both may come back by themselves."`
	Drain struct {
		Timeout time.Duration `default:"5m" placeholder:"TIME" help:"When Sluice ends in any case."`
	} `cmd:"" help:"Let nobody new in, and end Sluice when its last publisher has gone."`
}

// operates says whether the arguments are a command of operator.
func operates(args []string) bool {
	if len(args) == 0 {
		return false
	}
	switch args[0] {
	case "streams", "viewers", "kick", "drain":
		return true
	}
	return false
}

// operate runs a command and returns the exit code.
func operate(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o operator
	answered := false
	k, err := kong.New(&o, kong.Name("sluice"), kong.Writers(stdout, stdout), kong.Exit(func(int) { answered = true }))
	if err != nil {
		fmt.Fprintf(stderr, "sluice: %s\n", err)
		return exitFailure
	}
	command, err := k.Parse(args)
	if answered {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "sluice: %s\nTry: sluice %s --help\n", err, args[0])
		return exitUsage
	}
	if err := o.run(ctx, command.Selected().Name, stdout); err != nil {
		fmt.Fprintf(stderr, "sluice: %s\n", err)
		return exitFailure
	}
	return exitOK
}

func (o operator) run(ctx context.Context, command string, w io.Writer) error {
	client := admin.Client{Address: reachable(o.AdminAddr)}
	switch command {
	case "streams":
		list, err := client.Streams(ctx)
		return o.print(w, err, admin.Streams{Streams: list}, func(t io.Writer) { tableOfStreams(t, list, time.Now()) })
	case "viewers":
		list, err := client.Viewers(ctx, o.Viewers.Stream)
		return o.print(w, err, admin.Viewers{Viewers: list}, func(t io.Writer) { tableOfViewers(t, list, time.Now()) })
	case "drain":
		d, err := client.Drain(ctx, admin.Drain{Timeout: o.Drain.Timeout.String()})
		return o.print(w, err, d, func(t io.Writer) {
			fmt.Fprintf(t, "Draining: %d publishers and %d viewers are left, until %s at the latest.\n", d.Publishers, d.Viewers, d.Until.Format(time.DateTime))
		})
	default:
		return o.kick(ctx, client)
	}
}

// kick ends all targets that there are, and tells which there are not.
func (o operator) kick(ctx context.Context, client admin.Client) error {
	var failures []error
	for _, target := range o.Kick.Target {
		end := client.EndViewer
		if strings.Contains(target, "/") { // as IDs never do
			end = client.EndPublisher
		}
		failures = append(failures, end(ctx, target))
	}
	return errors.Join(failures...)
}

// print writes an answer as JSON or as a table.
func (o operator) print(w io.Writer, err error, answer any, table func(io.Writer)) error {
	if err != nil {
		return err
	}
	if o.JSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(answer)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	table(t)
	return t.Flush()
}

func tableOfStreams(w io.Writer, list []admin.Stream, now time.Time) {
	fmt.Fprintln(w, "STREAM\tFOR\tVIDEO\tAUDIO\tVIEWERS\tRECEIVED\tPUBLISHER")
	for _, s := range list {
		video, audio := "-", "-"
		if v := s.Video; v != nil {
			video = fmt.Sprintf("%s %dx%d %.4g fps", v.Codec, v.Width, v.Height, v.FrameRate)
		}
		if a := s.Audio; a != nil {
			audio = fmt.Sprintf("%s %d Hz", a.Codec, a.SampleRate)
		}
		since, received, publisher := "-", "-", "none: its viewers wait"
		if p := s.Publisher; p != nil {
			since, received = age(p.Since, now), megabytes(p.Bytes)
			publisher = strings.TrimSpace(p.Address + " " + p.Agent)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", s.Name, since, video, audio, s.Viewers, received, publisher)
	}
}

func tableOfViewers(w io.Writer, list []egress.ViewerInfo, now time.Time) {
	fmt.Fprintln(w, "VIEWER\tSTREAM\tSTATE\tFOR\tCODEC\tSENT\tLOSS\tRTT\tADDRESS")
	for _, v := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.1f %%\t%.1f ms\t%s\n",
			v.ID, v.Stream, v.State, age(v.Since, now), v.Codec, megabytes(v.Bytes), v.Loss*100, v.RTT, v.Address)
	}
}

func age(since, now time.Time) string { return now.Sub(since).Round(time.Second).String() }

func megabytes(bytes uint64) string {
	const mega = 1e6
	return fmt.Sprintf("%.1f MB", float64(bytes)/mega)
}

// reachable is where a server that was given an address can be asked: on this
// machine, if it listens on all addresses.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}
