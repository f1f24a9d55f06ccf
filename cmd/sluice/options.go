package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// options are the settings of sluice. The field tags are the manual: --help
// prints them, and a test keeps the table in README.md equal to them.
type options struct {
	RTMPAddr  string `name:"rtmp-addr" default:":1935" placeholder:"HOST:PORT" group:"addresses" help:"Where publishers connect (TCP)."`
	RTMPSAddr string `name:"rtmps-addr" placeholder:"HOST:PORT" group:"addresses" help:"Where publishers connect over TLS (RTMPS), for example :1936. It needs --tls-cert or --acme-domain."`
	HTTPAddr  string `name:"http-addr" default:":8080" placeholder:"HOST:PORT" group:"addresses" help:"Where viewers find the page and WHEP (TCP)."`
	HTTPSAddr string `name:"https-addr" placeholder:"HOST:PORT" group:"addresses" help:"Where they find them over HTTPS, for example :443. It needs --tls-cert or --acme-domain. HTTP then leads there."`
	AdminAddr string `name:"admin-addr" default:"127.0.0.1:9095" placeholder:"HOST:PORT" group:"addresses" help:"Where /metrics, /healthz, /readyz, /debug/pprof and the operator's API are (TCP). Keep it away from the public."`

	WebRTCUDPAddr  string       `name:"webrtc-udp-addr" default:":8189" placeholder:"HOST:PORT" group:"addresses" help:"The one UDP port that carries the media of all viewers. With a loopback address only this machine can watch."`
	WebRTCPublicIP []netip.Addr `name:"webrtc-public-ip" placeholder:"IP" group:"addresses" help:"Public address of this machine, announced to viewers in place of its own addresses. Needed behind NAT, in most clouds and in containers. Repeat it for more than one."`

	PublicURL    *url.URL       `name:"public-url" placeholder:"URL" group:"addresses" help:"Where viewers find the page, if a proxy or a router puts it elsewhere: https://example.org/live. A path in it may reach Sluice or not."`
	TrustedProxy []netip.Prefix `name:"trusted-proxy" placeholder:"CIDR" group:"addresses" help:"Network of reverse proxies in front of --http-addr, such as 127.0.0.0/8, whose X-Forwarded headers are believed. Repeat it for more than one."`

	WebRTCTCPAddr string `name:"webrtc-tcp-addr" placeholder:"HOST:PORT" group:"addresses" help:"The one TCP port for viewers whose networks block UDP (ICE-TCP). Not given: as --webrtc-udp-addr; off: none."`
	WebRTCSTUN    string `name:"webrtc-stun" placeholder:"HOST:PORT" group:"addresses" help:"STUN server to ask at the start for the public address of this machine, instead of --webrtc-public-ip. For example stun.l.google.com:19302."`
	ICELite       bool   `name:"ice-lite" group:"addresses" help:"Leave connectivity checks to the viewers. Only where each of them can reach an announced address."`

	TURNAddr    string         `name:"turn-addr" placeholder:"HOST:PORT" group:"turn" help:"Serve TURN over UDP and TCP, for example on :3478. It relays to Sluice's own media port alone."`
	TURNTLSAddr string         `name:"turn-tls-addr" placeholder:"HOST:PORT" group:"turn" help:"Serve TURN over TLS, for example on :5349, or on :443, which the strictest networks let through; HTTPS may have the same address. It needs --tls-cert or --acme-domain."`
	TURNHost    string         `name:"turn-host" placeholder:"HOST" group:"turn" help:"Name or address under which viewers find TURN; over TLS the certificate's name. Not given: the host of the page."`
	TURNPeer    []netip.Prefix `name:"turn-peer" placeholder:"CIDR" group:"turn" help:"What TURN relays to beside Sluice's media port. Private addresses are meant only by a prefix that lies within their range. Repeat it for more than one."`
	ICEServer   []iceServer    `name:"ice-server" placeholder:"URL" group:"turn" help:"STUN or TURN server of somebody else's to tell viewers of: stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT?transport=udp. Repeat it for more than one."`
	ICESecret   string         `name:"ice-secret" placeholder:"SECRET" group:"turn" help:"Secret shared with the TURN servers that are given without a user, from which each viewer gets a user and a password that expire (coturn: use-auth-secret)."`

	MaxViewers           int           `name:"max-viewers" default:"5000" placeholder:"N" group:"limits" help:"Viewers of all streams together. Further ones get 503."`
	MaxStreamViewers     int           `name:"max-viewers-per-stream" placeholder:"N" group:"limits" help:"Viewers of one stream. Not given: as many as --max-viewers."`
	MaxViewersPerAddress int           `name:"max-viewers-per-address" default:"500" placeholder:"N" group:"limits" help:"Those from one IPv4 address or IPv6 /64, except this machine's. Further ones get 429."`
	MaxJoinsPerSecond    int           `name:"max-joins-per-second" default:"20" placeholder:"N" group:"limits" help:"How many may join a second from one IPv4 address or IPv6 /64, except this machine's, and ten seconds' worth at once. Further ones get 429."`
	MaxConnections       int           `name:"max-connections" default:"1000" placeholder:"N" group:"limits" help:"Connections of publishers at a time, by RTMP and by WHIP each. Further ones are refused."`
	MaxPerAddress        int           `name:"max-connections-per-address" default:"100" placeholder:"N" group:"limits" help:"Those from one IPv4 address or IPv6 /64. Raise it when publishers come through a proxy."`
	PublishTimeout       time.Duration `name:"publish-timeout" default:"10s" placeholder:"TIME" group:"limits" help:"How long a connection may take from its first byte to the publication: handshakes, commands, hooks."`
	PublisherTimeout     time.Duration `name:"publisher-timeout" default:"30s" placeholder:"TIME" group:"limits" help:"How long a publisher may send no sound and no picture before it is cut off and its name is free again."`
	MaxCommand           size          `name:"max-command" default:"64KiB" placeholder:"BYTES" group:"limits" help:"Greatest command of a publisher."`
	MaxAMFDepth          int           `name:"max-amf-depth" default:"8" placeholder:"N" group:"limits" help:"How deep objects and arrays in a command may be nested."`
	MaxAMFValues         int           `name:"max-amf-values" default:"1024" placeholder:"N" group:"limits" help:"Values in a command."`
	MaxChunkStreams      int           `name:"max-chunk-streams" default:"16" placeholder:"N" group:"limits" help:"Chunk streams of an RTMP connection."`
	MaxMessage           size          `name:"max-message" default:"8MiB" placeholder:"BYTES" group:"limits" help:"Greatest frame of a publisher."`
	MaxIngestMemory      size          `name:"max-ingest-memory" default:"256MiB" placeholder:"BYTES" group:"limits" help:"What the unfinished messages of all publishers hold together, beyond 128 KiB each. Who has held on to his for longest is cut off when there is more."`
	MaxBitrate           bitrate       `name:"max-bitrate" placeholder:"RATE" group:"limits" help:"What a publisher may send on the average of 10 s, for example 20M or 800k bit/s. Not given: anything."`
	MaxResolution        resolution    `name:"max-resolution" placeholder:"WxH" group:"limits" help:"Greatest picture, upright or not, for example 1920x1080. Not given: any."`
	TakeOver             string        `name:"take-over" default:"refuse" enum:"refuse,replace" placeholder:"POLICY" group:"limits" help:"What becomes of a publisher whose name another one has: refuse it while the other one sends anything, or replace the other one."`
	ReconnectGrace       time.Duration `name:"reconnect-grace" default:"60s" placeholder:"TIME" group:"limits" help:"How long viewers wait for a publisher that has gone before their sessions end."`

	TLSCert string `name:"tls-cert" placeholder:"FILE" group:"tls" help:"PEM file with the certificate chain of this machine's name, its own certificate first. Read again when it changes, as the key is."`
	TLSKey  string `name:"tls-key" placeholder:"FILE" group:"tls" help:"PEM file with the key of --tls-cert."`

	ACMEDomain    []string      `name:"acme-domain" placeholder:"NAME" group:"tls" help:"Name of this machine for which Let's Encrypt is asked for a certificate, whose terms are thereby agreed to. Port 443 of the name must lead to --https-addr, or its port 80 to --http-addr. Repeat it for more than one."`
	ACMEFolder    string        `name:"acme-folder" default:"sluice-acme" placeholder:"FOLDER" group:"tls" help:"Where such certificates and their keys are kept. It must outlive Sluice: Let's Encrypt gives only a few a week."`
	ACMEDirectory string        `name:"acme-directory" default:"https://acme-v02.api.letsencrypt.org/directory" placeholder:"URL" group:"tls" help:"The ACME server, if it is to be another one."`
	WaitingRoom   time.Duration `name:"waiting-room" default:"0s" placeholder:"TIME" group:"limits" help:"How long viewers who come before the publisher may wait in an open session that plays when the stream begins, up to 1000 at a time. A request's own wish (?wait=30s) counts before it. 0s: they are told to come again."`

	Access string `name:"access" placeholder:"FILE" group:"access" help:"YAML file that says who may publish and who may watch; read again when it changes. Without it everybody may."`

	AllowOrigin []string `name:"allow-origin" placeholder:"ORIGIN" group:"access" help:"Site, such as https://example.org, whose pages may play and may embed the player. Repeat it for more than one. Not given: all may. Sluice's own pages always may."`

	WaitForKeyframe bool `name:"wait-for-keyframe" group:"playback" help:"Leave viewers to wait for the publisher's next keyframe, at the join and after losses, instead of replaying the frames since the last one."`

	BFrames          string `name:"b-frames" default:"reencode" enum:"reencode,pass,refuse" placeholder:"POLICY" group:"video" help:"What becomes of H.264 that browsers cannot show, because it has B-frames or more than 8 bits or 4:2:0 colour: reencode it while somebody watches, pass it as it is, or refuse the publisher."`
	VideoEncoder     string `name:"video-encoder" default:"libx264" enum:"libx264,h264_nvenc,h264_qsv,h264_vaapi" placeholder:"NAME" group:"video" help:"The encoder of ffmpeg that re-encodes: libx264, or with hardware h264_nvenc, h264_qsv or h264_vaapi."`
	MaxVideoEncoders int    `name:"max-video-encoders" placeholder:"N" group:"video" help:"Streams that are re-encoded at a time. Of further ones viewers see the keyframes alone. Not given: 2 for each CPU, enough for 720p30."`

	VideoOnly bool   `name:"video-only" group:"audio" help:"Run without ffmpeg: AAC sound is dropped, and no picture is re-encoded."`
	FFmpeg    string `name:"ffmpeg" default:"ffmpeg" placeholder:"PATH" group:"audio" help:"The ffmpeg that turns AAC into Opus and re-encodes B-frames. It needs libopus, and for the latter the --video-encoder."`
	MaxFFmpeg int    `name:"max-ffmpeg" placeholder:"N" group:"audio" help:"ffmpeg processes for sound at a time. Streams beyond stay silent until another one ends. Not given: 20 for each CPU."`

	LogLevel  string `name:"log-level" default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" group:"logging" help:"Least level that is logged: debug, info, warn or error."`
	LogFormat string `name:"log-format" default:"text" enum:"text,json" placeholder:"FORMAT" group:"logging" help:"How records are written to stderr: text or json."`

	Config          configFile       `name:"config" placeholder:"FILE" group:"other" help:"YAML file with any of these settings, one 'name: value' a line, named as the flags without the dashes."`
	ShutdownTimeout time.Duration    `name:"shutdown-timeout" default:"10s" placeholder:"TIME" group:"other" help:"How long SIGTERM or SIGINT waits for everything to end in order. A second signal ends it at once."`
	Version         kong.VersionFlag `name:"version" env:"-" group:"other" help:"Print the version and exit."`
	Help            helpFlag         `name:"help" short:"h" group:"other" help:"Print this manual and exit."`
}

// errAnswered means that the arguments asked a question (--help, --version)
// and it has been answered.
var errAnswered = errors.New("answered")

// parse reads settings from, in falling precedence, args, the environment, the
// --config file and the defaults.
func parse(args []string, stdout io.Writer) (options, error) {
	var opts options
	answered := false
	k, err := newParser(&opts, stdout, func(int) { answered = true })
	if err != nil {
		return options{}, fmt.Errorf("build the command line: %w", err)
	}
	_, err = k.Parse(args)
	switch {
	case answered:
		return options{}, errAnswered
	case err != nil:
		return options{}, err
	}
	return opts, opts.check()
}

func newParser(opts *options, stdout io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(opts,
		kong.Name("sluice"),
		kong.Description(description),
		kong.DefaultEnvars("SLUICE"),
		kong.ExplicitGroups(groups()),
		kong.NoDefaultHelp(),
		kong.Vars{"version": version()},
		kong.Writers(stdout, stdout),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{NoAppSummary: true, NoAppDescFormat: true}),
		kong.ValueFormatter(describe),
		kong.Help(manual),
	)
}

// check refuses in one sentence what a setting's type does not.
func (o options) check() error {
	for _, a := range []struct{ flag, addr string }{
		{"--rtmp-addr", o.RTMPAddr},
		{"--http-addr", o.HTTPAddr},
		{"--admin-addr", o.AdminAddr},
		{"--webrtc-udp-addr", o.WebRTCUDPAddr},
		{"--rtmps-addr", cmp.Or(o.RTMPSAddr, ":0")}, // not given: there is none
		{"--webrtc-tcp-addr", cmp.Or(o.tcpAddr(), ":0")},
		{"--webrtc-stun", cmp.Or(o.WebRTCSTUN, ":0")},
		{"--turn-addr", cmp.Or(o.TURNAddr, ":0")},
		{"--turn-tls-addr", cmp.Or(o.TURNTLSAddr, ":0")},
		{"--https-addr", cmp.Or(o.HTTPSAddr, ":0")},
	} {
		if err := checkAddr(a.addr); err != nil {
			return fmt.Errorf("%s must be HOST:PORT or :PORT, not %q: %w", a.flag, a.addr, err)
		}
	}
	for _, ip := range o.WebRTCPublicIP {
		if ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "" {
			return fmt.Errorf("--webrtc-public-ip must be an address that viewers can reach, not %s", ip)
		}
	}
	for _, n := range []struct {
		flag  string
		value int
	}{
		{"--max-viewers", o.MaxViewers},
		{"--max-viewers-per-address", o.MaxViewersPerAddress},
		{"--max-joins-per-second", o.MaxJoinsPerSecond},
		{"--max-connections", o.MaxConnections},
		{"--max-connections-per-address", o.MaxPerAddress},
		{"--max-command", int(o.MaxCommand)},
		{"--max-amf-depth", o.MaxAMFDepth},
		{"--max-amf-values", o.MaxAMFValues},
		{"--max-chunk-streams", o.MaxChunkStreams},
	} {
		if n.value < 1 {
			return fmt.Errorf("%s must be at least 1, not %d", n.flag, n.value)
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{"--publish-timeout", o.PublishTimeout},
		{"--publisher-timeout", o.PublisherTimeout},
		{"--reconnect-grace", o.ReconnectGrace},
		{"--shutdown-timeout", o.ShutdownTimeout},
	} {
		if d.value <= 0 {
			return fmt.Errorf("%s must be longer than nothing, for example 10s, not %s", d.flag, d.value)
		}
	}
	if err := o.checkTLS(); err != nil {
		return err
	}
	if o.MaxVideoEncoders < 0 {
		return fmt.Errorf("--max-video-encoders must be at least 1, not %d", o.MaxVideoEncoders)
	}
	if o.MaxStreamViewers < 0 {
		return fmt.Errorf("--max-viewers-per-stream must be at least 1, not %d", o.MaxStreamViewers)
	}
	for _, origin := range o.AllowOrigin {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || origin != strings.ToLower(u.Scheme+"://"+u.Host) {
			return fmt.Errorf("--allow-origin must be like https://example.org, in lower case and without a path, not %q", origin)
		}
	}
	if o.WaitingRoom < 0 {
		return fmt.Errorf("--waiting-room must not be less than 0s, not %s", o.WaitingRoom)
	}
	if o.MaxFFmpeg < 0 {
		return fmt.Errorf("--max-ffmpeg must be at least 1, not %d", o.MaxFFmpeg)
	}
	if o.FFmpeg == "" && !o.VideoOnly {
		return errors.New("--ffmpeg must name a program; use --video-only to run without one")
	}
	return o.checkReach()
}

func checkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		var bad *net.AddrError
		if errors.As(err, &bad) {
			return errors.New(bad.Err) // the caller names the address
		}
		return err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return nil
}

// version is what the Go linker knows of the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "sluice (unknown version)"
	}
	return fmt.Sprintf("sluice %s %s", info.Main.Version, info.GoVersion)
}
