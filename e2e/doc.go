// Package e2e drives the built sluice binary with real publishers and real
// players: ffmpeg, GStreamer and OBS on one side, Chromium, Firefox and a
// pion WHEP client on the other. Nothing is mocked and no other package of
// the module is imported.
//
// The tests carry the build tag e2e, those of OBS the tag obs as well:
//
//	go test -tags e2e ./e2e                    everything but OBS
//	go test -tags e2e,obs -run OBS ./e2e       a real OBS (see obs/obs.sh)
//	go test -tags e2e,codecs -run Codec ./e2e  FFmpeg 8 or newer, Enhanced RTMP
//	go test -tags e2e -run '^$' -bench . ./e2e latency, joins, recovery
//
// The environment chooses what they run against:
//
//	SLUICE_BIN   the binary under test; built from ../cmd/sluice if unset
//	SLUICE_RACE  any value: build it with the race detector
//	SOAK         how long the soak test streams, 20s if unset
//	CHROMIUM     default /usr/bin/chromium
//	FFMPEG_ENHANCED  the FFmpeg that publishes H.265, AV1, VP9 and Opus
//	FIREFOX      default firefox-esr, then firefox, from the PATH
//
// The harness is in the folders below: server runs the binary, source and
// rtmp publish, viewer and browser watch, relay loses packets between them,
// await polls, lab makes networks with a NAT. load is an audience of hundreds; the command bench measures with
// it what a viewer costs. Every wait is for a condition with a deadline, never for a
// length of time. Screenshots are left in artifacts.
package e2e
