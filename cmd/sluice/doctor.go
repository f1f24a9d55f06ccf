package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluice-media/sluice/doctor"
	"github.com/sluice-media/sluice/transcode"
	"github.com/sluice-media/sluice/whip"
)

// tryTime is what the doctor gives to one way; maxSkew is how far clocks may be
// apart before tokens and credentials are refused for it.
const (
	tryTime = 8 * time.Second
	maxSkew = 30 * time.Second
)

// diagnose is sluice doctor [URL]: it finds out by which ways a Sluice can be
// reached from here, the one that these settings start if no URL is given, and
// says what to change.
func diagnose(ctx context.Context, args []string, stdout io.Writer) (code int, err error) {
	var page string
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		page, args = args[0], args[1:]
	}
	opts, err := parse(args, stdout)
	if errors.Is(err, errAnswered) {
		return exitOK, nil
	}
	if err != nil {
		return exitUsage, err
	}
	d := &diagnosis{to: stdout, page: page}
	if page == "" {
		d.page = "http://" + local(opts.HTTPAddr) + "/"
		d.checkFFmpeg(ctx, opts)
	}
	base, err := url.Parse(d.page)
	if err != nil || base.Host == "" {
		return exitUsage, fmt.Errorf("%q is no URL of a Sluice such as https://example.com/", d.page)
	}
	d.session = base.JoinPath("doctor", "session").String()
	d.checkWays(ctx)
	if d.failed {
		return exitFailure, nil
	}
	return exitOK, nil
}

// local is an address that was bound, as one to connect to.
func local(bound string) string {
	host, port, _ := net.SplitHostPort(bound)
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// diagnosis is what the doctor says, a line for each finding.
type diagnosis struct {
	to            io.Writer
	page, session string
	failed        bool
}

func (d *diagnosis) good(about, format string, args ...any) { d.say("ok", about, format, args...) }
func (d *diagnosis) note(about, format string, args ...any) { d.say("note", about, format, args...) }

func (d *diagnosis) bad(about, format string, args ...any) {
	d.failed = true
	d.say("FAIL", about, format, args...)
}

func (d *diagnosis) say(verdict, about, format string, args ...any) {
	fmt.Fprintf(d.to, "%-5s %-12s %s\n", verdict, about, fmt.Sprintf(format, args...))
}

func (d *diagnosis) checkFFmpeg(ctx context.Context, opts options) {
	if opts.VideoOnly {
		d.note("ffmpeg", "not used (--video-only): AAC sound is dropped")
		return
	}
	version, video, err := transcode.Inspect(ctx, opts.FFmpeg, opts.VideoEncoder)
	switch {
	case err != nil:
		d.bad("ffmpeg", "%v", err)
	case !video:
		d.note("ffmpeg", "%s: it has no %s, so of streams with B-frames viewers see the keyframes alone", version, opts.VideoEncoder)
	default:
		d.good("ffmpeg", "%s, with libopus and %s", version, opts.VideoEncoder)
	}
}

// checkWays asks the server what it offers and tries all of it.
func (d *diagnosis) checkWays(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	candidates, servers, err := doctor.Offered(within, d.session)
	if err != nil {
		d.bad("HTTP", "no Sluice answers at %s: start it, or open and forward the TCP port of --http-addr (%v)", d.page, err)
		return
	}
	d.good("HTTP", "%s answers", d.page)
	d.checkClock(ctx)
	d.checkAddresses(candidates)
	d.try(ctx, "UDP", doctor.Way{Transport: "udp"}, "open UDP port %s in the firewall, and forward it in the NAT", portsOf(candidates, "udp"))
	if ports := portsOf(candidates, "tcp"); ports == "" {
		d.note("ICE-TCP", "not offered: --webrtc-tcp-addr reaches viewers whose networks block UDP")
	} else {
		d.try(ctx, "ICE-TCP", doctor.Way{Transport: "tcp"}, "open TCP port %s in the firewall, and forward it in the NAT", ports)
	}
	turn := false
	for _, s := range servers {
		if strings.HasPrefix(s.URLs, "turn") {
			turn = true
			d.try(ctx, "TURN", doctor.Way{Transport: "udp", Relay: s}, "open the port of %s, check its name and, over TLS, its certificate", s.URLs)
		}
	}
	if !turn {
		d.note("TURN", "not served: --turn-addr and --turn-tls-addr reach viewers in the strictest networks")
	}
}

// try tries a way; remedy says what to do if it is closed.
func (d *diagnosis) try(ctx context.Context, name string, w doctor.Way, remedy string, args ...any) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	took, err := doctor.Try(ctx, d.session, w)
	what := cmp.Or(w.Relay.URLs, name)
	if errors.Is(err, doctor.ErrUntried) {
		d.note(name, "%s is not tried: %v; /doctor does it", what, err)
		return
	}
	if err != nil {
		d.bad(name, "%s does not work (%v): "+remedy, append([]any{what, err}, args...)...)
		return
	}
	d.good(name, "%s works, connected in %d ms", what, took.Milliseconds())
}

// checkAddresses says who can reach what is announced.
func (d *diagnosis) checkAddresses(candidates []string) {
	var at []string
	public := false
	for _, c := range candidates {
		f := strings.Fields(c)
		ip, err := netip.ParseAddr(f[4])
		if err != nil || !strings.EqualFold(f[2], "udp") {
			continue
		}
		at = append(at, ip.String())
		public = public || ip.IsGlobalUnicast() && !ip.IsPrivate() && !netip.MustParsePrefix("100.64.0.0/10").Contains(ip)
	}
	list := strings.Join(at, ", ")
	switch {
	case len(at) == 0:
		d.bad("Addresses", "none is announced: this machine has no network, or --webrtc-udp-addr names an address that it lacks")
	case public:
		d.good("Addresses", "announced is %s", list)
	default:
		d.note("Addresses", "announced is %s, which viewers on the internet cannot reach: for them say --webrtc-public-ip or --webrtc-stun", list)
	}
}

// checkClock compares the clocks of the server and of this machine.
func (d *diagnosis) checkClock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, d.page, http.NoBody)
	if err != nil {
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return // it was there a moment ago
	}
	resp.Body.Close()
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	switch skew := time.Since(theirs).Abs(); {
	case err != nil:
	case skew > maxSkew:
		d.bad("Clock", "the server's and this machine's are %v apart, which makes tokens and TURN credentials expire: set both by NTP", skew.Round(time.Second))
	default:
		d.good("Clock", "the server's and this machine's agree")
	}
	if synchronized, known := clockSynchronized(); known && !synchronized {
		d.note("Clock", "this machine's is not synchronized by NTP: tokens and TURN credentials depend on it")
	}
}

// portsOf lists the ports of candidates for a transport.
func portsOf(candidates []string, transport string) string {
	var ports []string
	for _, c := range candidates {
		if f := strings.Fields(c); len(f) > 5 && strings.EqualFold(f[2], transport) && !slices.Contains(ports, f[5]) {
			ports = append(ports, f[5])
		}
	}
	return strings.Join(ports, ", ")
}

// doctorServers are the ICE servers of test sessions. Where not everybody may
// watch, those of others are not told to everybody.
func (g *gateway) doctorServers(host string) []doctor.ICEServer {
	servers := g.iceServers(whip.Visit{Host: host})
	if g.opts.Access != "" {
		servers = servers[len(g.opts.ICEServer):]
	}
	list := make([]doctor.ICEServer, 0, len(servers))
	for _, s := range servers {
		list = append(list, doctor.ICEServer{URLs: s.URL, Username: s.Username, Credential: s.Credential})
	}
	return list
}
