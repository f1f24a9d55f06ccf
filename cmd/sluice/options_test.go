package main

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// file writes a configuration file and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.yml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	ips := func(words ...string) (addrs []netip.Addr) {
		for _, w := range words {
			addrs = append(addrs, netip.MustParseAddr(w))
		}
		return addrs
	}
	addr := func(o options) any { return o.RTMPAddr }
	grace := func(o options) any { return o.ReconnectGrace }
	viewers := func(o options) any { return o.MaxViewers }
	silent := func(o options) any { return o.VideoOnly }
	public := func(o options) any { return o.WebRTCPublicIP }

	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		file string
		get  func(options) any
		want any
	}{
		{name: "default", get: addr, want: ":1935"},
		{name: "file over default", file: "rtmp-addr: :2", get: addr, want: ":2"},
		{name: "env over default", env: map[string]string{"SLUICE_RTMP_ADDR": ":3"}, get: addr, want: ":3"},
		{name: "env over file", env: map[string]string{"SLUICE_RTMP_ADDR": ":3"}, file: "rtmp-addr: :2", get: addr, want: ":3"},
		{name: "flag over default", args: []string{"--rtmp-addr=:4"}, get: addr, want: ":4"},
		{name: "flag over file", args: []string{"--rtmp-addr=:4"}, file: "rtmp-addr: :2", get: addr, want: ":4"},
		{name: "flag over env", args: []string{"--rtmp-addr=:4"}, env: map[string]string{"SLUICE_RTMP_ADDR": ":3"}, get: addr, want: ":4"},
		{
			name: "flag over env and file", args: []string{"--rtmp-addr=:4"},
			env: map[string]string{"SLUICE_RTMP_ADDR": ":3"}, file: "rtmp-addr: :2", get: addr, want: ":4",
		},
		{name: "env equal to the default over file", env: map[string]string{"SLUICE_RTMP_ADDR": ":1935"}, file: "rtmp-addr: :2", get: addr, want: ":1935"},
		{name: "another setting's env leaves the file", env: map[string]string{"SLUICE_HTTP_ADDR": ":3"}, file: "rtmp-addr: :2", get: addr, want: ":2"},

		{name: "duration", file: "reconnect-grace: 1m30s", get: grace, want: 90 * time.Second},
		{name: "number", file: "max-viewers: 7", get: viewers, want: 7},
		{name: "number in env", env: map[string]string{"SLUICE_MAX_VIEWERS": "8"}, file: "max-viewers: 7", get: viewers, want: 8},
		{name: "size", args: []string{"--max-message=512KiB"}, get: func(o options) any { return o.MaxMessage }, want: size(512 << 10)},
		{name: "size in bytes", file: "max-ingest-memory: 1000000", get: func(o options) any { return o.MaxIngestMemory }, want: size(1000000)},
		{name: "rate", file: "max-bitrate: 20M", get: func(o options) any { return o.MaxBitrate }, want: bitrate(20e6)},
		{name: "no rate", get: func(o options) any { return o.MaxBitrate }, want: bitrate(0)},
		{name: "picture", args: []string{"--max-resolution=1920x1080"}, get: func(o options) any { return o.MaxResolution }, want: resolution{1920, 1080}},
		{name: "yes", file: "video-only: true", get: silent, want: true},
		{name: "no on the command line", args: []string{"--video-only=false"}, file: "video-only: true", get: silent, want: false},
		{name: "no in env", env: map[string]string{"SLUICE_VIDEO_ONLY": "false"}, file: "video-only: true", get: silent, want: false},

		{name: "list", file: "webrtc-public-ip: [192.0.2.1, \"2001:db8::1\"]", get: public, want: ips("192.0.2.1", "2001:db8::1")},
		{name: "list of one", file: "webrtc-public-ip: 192.0.2.1", get: public, want: ips("192.0.2.1")},
		{name: "list in env", env: map[string]string{"SLUICE_WEBRTC_PUBLIC_IP": "192.0.2.1,192.0.2.2"}, get: public, want: ips("192.0.2.1", "192.0.2.2")},
		{name: "repeated flag", args: []string{"--webrtc-public-ip=192.0.2.1", "--webrtc-public-ip", "192.0.2.2"}, get: public, want: ips("192.0.2.1", "192.0.2.2")},
		{
			name: "flag replaces the file's list", args: []string{"--webrtc-public-ip=192.0.2.3"},
			file: "webrtc-public-ip: [192.0.2.1, 192.0.2.2]", get: public, want: ips("192.0.2.3"),
		},
		{name: "empty setting", file: "rtmp-addr:\n", get: addr, want: ":1935"},
		{name: "only comments", file: "# rtmp-addr: :2\n", get: addr, want: ":1935"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			args := c.args
			if c.file != "" {
				args = append(args, "--config", file(t, c.file))
			}
			o, err := parse(args, t.Output())
			if err != nil {
				t.Fatal(err)
			}
			if got := c.get(o); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestConfigFileNamedInEnvironment(t *testing.T) {
	t.Setenv("SLUICE_CONFIG", file(t, "http-addr: :2"))
	o, err := parse(nil, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if o.HTTPAddr != ":2" {
		t.Errorf("http-addr is %q, want the file's", o.HTTPAddr)
	}
}

// Each mistake is answered with one sentence that names what to change.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		env  string
		file string
		want string
	}{
		{name: "unknown flag", args: []string{"--max-viewrs=3"}, want: `unknown flag --max-viewrs, did you mean "--max-viewers"?`},
		{name: "word too much", args: []string{"serve"}, want: "unexpected argument serve"},
		{name: "no port", args: []string{"--http-addr=8080"}, want: "--http-addr must be HOST:PORT"},
		{name: "port out of range", args: []string{"--http-addr=:65536"}, want: `port "65536" is not a number`},
		{name: "named port", args: []string{"--rtmp-addr=:macromedia-fcs"}, want: "--rtmp-addr must be"},
		{name: "zero viewers", args: []string{"--max-viewers=0"}, want: "--max-viewers must be at least 1, not 0"},
		{name: "no time", args: []string{"--reconnect-grace=0s"}, want: "--reconnect-grace must be"},
		{name: "level", args: []string{"--log-level=loud"}, want: "--log-level must be one of"},
		{name: "format", args: []string{"--log-format=xml"}, want: "--log-format must be one of"},
		{name: "not an address", args: []string{"--webrtc-public-ip=example.com"}, want: "--webrtc-public-ip"},
		{name: "address of nobody", args: []string{"--webrtc-public-ip=0.0.0.0"}, want: "--webrtc-public-ip must be"},
		{name: "certificate without key", args: []string{"--tls-cert=a.pem"}, want: "--tls-cert and --tls-key go together"},
		{name: "RTMPS without certificate", args: []string{"--rtmps-addr=:1936"}, want: "--rtmps-addr needs --tls-cert"},
		{name: "HTTPS without certificate", args: []string{"--https-addr=:443"}, want: "--https-addr needs --tls-cert"},
		{name: "HTTPS without port", args: []string{"--https-addr=443", "--acme-domain=a.example"}, want: "--https-addr must be HOST:PORT"},
		{name: "two identities", args: []string{"--tls-cert=a", "--tls-key=b", "--acme-domain=a.example"}, want: "two ways to a certificate"},
		{name: "ACME without HTTPS", args: []string{"--acme-domain=a.example"}, want: "--acme-domain needs --https-addr"},
		{name: "ACME for an address", args: []string{"--https-addr=:443", "--acme-domain=192.0.2.1"}, want: "--acme-domain must be a name"},
		{name: "ACME for a URL", args: []string{"--https-addr=:443", "--acme-domain=https://a.example"}, want: "--acme-domain must be a name"},
		{name: "ACME for a host alone", args: []string{"--https-addr=:443", "--acme-domain=gateway"}, want: "--acme-domain must be a name"},
		{name: "public URL without scheme", args: []string{"--public-url=example.org/live"}, want: "--public-url must be like"},
		{name: "public URL with a query", args: []string{"--public-url=https://example.org/?a=b"}, want: "--public-url must be like"},
		{name: "public URL without TLS", args: []string{"--public-url=http://a.example", "--https-addr=:443", "--acme-domain=a.example"}, want: "must begin with https://"},
		{name: "RTMPS without port", args: []string{"--rtmps-addr=1936", "--tls-cert=a", "--tls-key=b"}, want: "--rtmps-addr must be HOST:PORT"},
		{name: "not a network", args: []string{"--trusted-proxy=10.0.0.1"}, want: "--trusted-proxy"},
		{name: "origin with a path", args: []string{"--allow-origin=https://example.org/"}, want: "--allow-origin must be like"},
		{name: "origin without a scheme", args: []string{"--allow-origin=example.org"}, want: "--allow-origin must be like"},
		{name: "no joins", args: []string{"--max-joins-per-second=0"}, want: "--max-joins-per-second must be at least 1"},
		{name: "time runs backwards", args: []string{"--waiting-room=-1s"}, want: "--waiting-room must not be less"},
		{name: "no size", args: []string{"--max-message=big"}, want: "--max-message: must be a size such as"},
		{name: "another unit", args: []string{"--max-message=8MB"}, want: "--max-message: must be a size such as"},
		{name: "size of nothing", args: []string{"--max-ingest-memory=0"}, want: "--max-ingest-memory: must be a size such as"},
		{name: "bitrate below nothing", args: []string{"--max-bitrate=-1"}, want: "--max-bitrate: must be a rate in bit/s such as"},
		{name: "no picture", args: []string{"--max-resolution=1080p"}, want: "--max-resolution: must be WIDTHxHEIGHT"},
		{name: "no ffmpeg", args: []string{"--ffmpeg="}, want: "--ffmpeg must name a program"},
		{name: "environment", env: "many", want: "SLUICE_MAX_VIEWERS"},
		{name: "missing file", args: []string{"--config=/nowhere/sluice.yml"}, want: "/nowhere/sluice.yml"},
		{name: "not YAML", file: "rtmp-addr: [", want: "--config"},
		{name: "unknown setting", file: "rtmp-adr: :2", want: `sluice.yml: unknown setting "rtmp-adr"`},
		{name: "setting of the command line", file: "version: true", want: `unknown setting "version"`},
		{name: "file in a file", file: "config: other.yml", want: `unknown setting "config"`},
		{name: "nested", file: "rtmp:\n  addr: :2", want: `unknown setting "rtmp"`},
		{name: "block for a value", file: "rtmp-addr:\n  host: a", want: "--rtmp-addr"},
		{name: "list for a value", file: "max-viewers: [1, 2]", want: "--max-viewers"},
		{name: "duration without unit", file: "reconnect-grace: 60", want: "--reconnect-grace"},
		{name: "same key twice", file: "rtmp-addr: :2\nrtmp-addr: :3", want: "already defined"},
		{name: "file is checked like a flag", file: "http-addr: 8080", want: "--http-addr must be HOST:PORT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env != "" {
				t.Setenv("SLUICE_MAX_VIEWERS", c.env)
			}
			args := c.args
			if c.file != "" {
				args = append(args, "--config", file(t, c.file))
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // should the mistake be overlooked, this ends it
			var stdout, stderr bytes.Buffer
			if code := run(ctx, args, &stdout, &stderr); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			said, rest, _ := strings.Cut(stderr.String(), "\n")
			if !strings.Contains(said, c.want) {
				t.Errorf("says %q, want %q in it", said, c.want)
			}
			if rest != "Try: sluice --help\n" {
				t.Errorf("more than one sentence: %q", stderr.String())
			}
		})
	}
}
