package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/sluice-media/sluice/rtc"
	"github.com/sluice-media/sluice/turn"
	"github.com/sluice-media/sluice/whip"
)

// startRTC binds the ports of the media.
func (g *gateway) startRTC(ctx context.Context) (err error) {
	public := g.opts.WebRTCPublicIP
	if g.opts.WebRTCSTUN != "" {
		if public, err = g.discover(ctx); err != nil {
			return err
		}
	}
	g.rtc, err = rtc.Listen(rtc.Config{
		UDPAddr:   g.opts.WebRTCUDPAddr,
		TCPAddr:   g.opts.tcpAddr(),
		PublicIPs: public,
		Lite:      g.opts.ICELite,
		Logger:    g.logger,
	})
	var bind *rtc.BindError
	switch {
	case errors.As(err, &bind) && bind.Network == "tcp":
		return bindError("--webrtc-tcp-addr", "tcp", g.opts.tcpAddr(), err)
	case err != nil:
		return bindError("--webrtc-udp-addr", "udp", g.opts.WebRTCUDPAddr, err)
	}
	g.parts.push("webrtc", func(context.Context) error { return g.rtc.Close() })
	return nil
}

// noTCP is the value of --webrtc-tcp-addr that means no TCP.
const noTCP = "off"

// tcpAddr is what to bind for ICE over TCP; empty: nothing.
func (o options) tcpAddr() string {
	switch o.WebRTCTCPAddr {
	case "":
		return o.WebRTCUDPAddr
	case noTCP:
		return ""
	default:
		return o.WebRTCTCPAddr
	}
}

// discover asks a STUN server for the addresses under which the media port is
// seen, before it is bound for the media.
func (g *gateway) discover(ctx context.Context) ([]netip.Addr, error) {
	seen, err := rtc.Discover(ctx, g.opts.WebRTCUDPAddr, g.opts.WebRTCSTUN)
	if err != nil {
		return nil, fmt.Errorf("--webrtc-stun %s: %w; say --webrtc-public-ip instead", g.opts.WebRTCSTUN, err)
	}
	var public []netip.Addr
	for _, s := range seen {
		public = append(public, s.Public.Addr())
		g.logger.Info("public address found", "address", s.Public.Addr(), "of", s.Local.Addr())
		if s.Public.Port() != s.Local.Port() && s.Public.Addr() != s.Local.Addr() {
			g.logger.Warn("the NAT in front of this machine changes ports: forward the media port in it, UDP and TCP",
				"port", s.Local.Port(), "seen as", s.Public)
		}
	}
	return public, nil
}

// startTURN serves TURN, if it was asked for.
func (g *gateway) startTURN(context.Context) error {
	if g.opts.TURNAddr == "" && g.opts.TURNTLSAddr == "" {
		return nil
	}
	config := turn.Config{
		Credentials: turn.NewCredentials(nil),
		Media:       g.rtc.UDPAddr(),
		Announced:   g.rtc.Announced,
		Peers:       g.opts.TURNPeer,
		MaxRelays:   2 * g.opts.MaxViewers,
		PionLog:     rtc.Log(g.logger),
		Metrics:     g.metrics,
	}
	var opened []interface{ Close() error }
	abandon := func(err error) error {
		for _, o := range opened {
			_ = o.Close()
		}
		return err
	}
	var ports turnPorts
	if g.opts.TURNAddr != "" {
		conn, err := net.ListenPacket("udp", g.opts.TURNAddr)
		if err != nil {
			return bindError("--turn-addr", "udp", g.opts.TURNAddr, err)
		}
		opened = append(opened, conn)
		config.UDP = conn.(*net.UDPConn)
		if config.TCP, err = listen("--turn-addr", g.opts.TURNAddr); err != nil {
			return abandon(err)
		}
		opened = append(opened, config.TCP)
		ports.udp, ports.tcp = portOf(conn.LocalAddr()), portOf(config.TCP.Addr())
	}
	if g.opts.TURNTLSAddr != "" {
		l, err := listen("--turn-tls-addr", g.opts.TURNTLSAddr)
		if err != nil {
			return abandon(err)
		}
		ports.tls = portOf(l.Addr())
		if g.opts.TURNTLSAddr == g.opts.HTTPSAddr {
			g.webTLS, config.TLS = turn.Split(l, g.identity.config("h2", "http/1.1", turn.ALPN)) //nolint:contextcheck // it lives until it is closed
		} else {
			config.TLS = tls.NewListener(l, g.identity.config())
		}
	}
	server, err := turn.New(config)
	if err != nil {
		return err
	}
	g.turn, g.turnPorts = config.Credentials, ports
	g.parts.push("turn", func(context.Context) error { return server.Close() })
	return nil
}

// turnPorts are those of our TURN server, each 0 if it is not served.
type turnPorts struct{ udp, tcp, tls uint16 }

// urls are the server's, at a host.
func (p turnPorts) urls(host string) []string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	var list []string
	for _, u := range []struct {
		port              uint16
		scheme, transport string
	}{{p.udp, "turn", "udp"}, {p.tcp, "turn", "tcp"}, {p.tls, "turns", "tcp"}} {
		if u.port != 0 {
			list = append(list, fmt.Sprintf("%s:%s:%d?transport=%s", u.scheme, host, u.port, u.transport))
		}
	}
	return list
}

func portOf(a net.Addr) uint16 {
	ap, _ := netip.ParseAddrPort(a.String())
	return ap.Port()
}

// iceServers are what a viewer or publisher may use to be reached. Without a host
// of its own TURN is found where the client found us.
func (g *gateway) iceServers(v whip.Visit) []whip.ICEServer {
	var list []whip.ICEServer
	for _, s := range g.opts.ICEServer {
		list = append(list, s.server(g.opts.iceCredentials()))
	}
	if g.turn == nil {
		return list
	}
	host := g.opts.TURNHost
	if host == "" {
		host = hostName(v.Host)
	}
	if !hostPattern().MatchString(host) {
		return list
	}
	user, password := g.turn.Issue()
	for _, u := range g.turnPorts.urls(host) {
		list = append(list, whip.ICEServer{URL: u, Username: user, Credential: password})
	}
	return list
}

// hostName is a Host header without its port.
func hostName(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return name
}
