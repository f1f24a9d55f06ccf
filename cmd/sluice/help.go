package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

const description = `sluice - takes live streams over RTMP, plays them to browsers over WebRTC

Usage: sluice [flags]

Sluice started without flags is ready for use. Send it a stream from OBS or
anything that speaks RTMP:

  Server      rtmp://HOST:1935/live
  Stream key  any name, for example show

and watch it at http://HOST:8080/. Players of their own find it over WHEP at
http://HOST:8080/whep/live/show.

Each setting is a flag, an environment variable and a line of the file given
with --config. A flag wins over the environment, the environment over the file,
the file over the default.`

const epilogue = `
Sound and pictures
  Publishers send AAC, browsers play Opus. Sluice turns one into the other with
  ffmpeg, one process for each stream that is being listened to, and re-encodes
  pictures with B-frames with another. Debian, Ubuntu: sudo apt-get install ffmpeg

Viewers who see nothing
  sluice doctor tries each way to a Sluice that runs with these settings, sluice
  doctor https://example.com/ to one elsewhere, the page /doctor from a browser.
  Each finding says what to open or to change.

Files
  A file for --config, all of it optional:

    rtmp-addr: 0.0.0.0:1935
    webrtc-public-ip: [203.0.113.7]
    reconnect-grace: 90s
    log-format: json

  A file for --access, all of it optional; sluice key NAME makes a key and its
  hash:

    keys:
      - {stream: live/show, hash: "sha256:..."}
    watch:
      - {stream: live/staff, tokens: ["sha256:..."]}
    jwt: {jwks: https://issuer.example/jwks.json}
    hooks: {on_publish: http://127.0.0.1:8000/auth}

Commands, which ask the Sluice whose admin port is at --admin-addr
  sluice streams           who publishes what
  sluice viewers [STREAM]  who watches, with what loss and round trip
  sluice kick TARGET...    ends publications (live/show) and viewers (by ID)
  sluice drain             lets nobody new in, ends with the last publisher
  sluice key NAME          makes a stream key; asks nobody

Signals
  SIGHUP           reads the access file and the TLS certificate again
  SIGTERM, SIGINT  end publishers, viewers, HTTP and ffmpeg, in this order;
                   a second one ends the process at once

Exit status
  0  ended by a signal, or answered --help or --version
  1  could not start, or failed while running; the log's last line says why
  2  a flag, an environment variable or the file is wrong
`

func groups() []kong.Group {
	return []kong.Group{
		{Key: "addresses", Title: "Addresses"},
		{Key: "turn", Title: "TURN"},
		{Key: "limits", Title: "Limits"},
		{Key: "tls", Title: "TLS"},
		{Key: "access", Title: "Access"},
		{Key: "playback", Title: "Playback"},
		{Key: "video", Title: "Pictures"},
		{Key: "audio", Title: "Sound"},
		{Key: "logging", Title: "Logging"},
		{Key: "other", Title: "Other"},
	}
}

// helpFlag prints the manual when it is met. It stands in for kong's own, which
// cannot be put into a group.
type helpFlag bool

// BeforeReset is called by kong as soon as the flag has been seen.
func (helpFlag) BeforeReset(k *kong.Kong, ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return err
	}
	k.Exit(exitOK)
	return nil
}

// manual prints what --help shows.
func manual(o kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprint(ctx.Stdout, epilogue)
	return err
}

// describe is a setting's help with its default and environment variable.
func describe(v *kong.Value) string {
	if len(v.Tag.Envs) == 0 {
		return v.Help
	}
	notes := []string{v.Tag.Envs[0]}
	if v.HasDefault {
		notes = append(notes, "default "+v.Default)
	}
	return v.Help + " [" + strings.Join(notes, ", ") + "]"
}
