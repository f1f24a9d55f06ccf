package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// welcome tells a human what to type into OBS and the browser, and the log
// where everything is.
func (g *gateway) welcome(w io.Writer) {
	rtmp := "rtmp://" + g.reach(g.rtmp.Addr()) + "/live"
	plain := "http://" + g.reach(g.web.Addr()) + "/"
	page := plain
	if g.webTLS != nil {
		page = "https://" + g.reach(g.webTLS.Addr()) + "/"
		if len(g.opts.ACMEDomain) > 0 {
			page = "https://" + secureHost(g.opts.ACMEDomain[0], g.webTLS.Addr()) + "/"
		}
	}
	if g.opts.PublicURL != nil {
		page = strings.TrimSuffix(g.opts.PublicURL.String(), "/") + "/"
	}
	where := []any{
		"rtmp", rtmp, "page", page, "http", plain,
		"webrtc", "udp://" + g.rtc.UDPAddr().String(),
		"admin", "http://" + g.admin.Addr().String() + "/",
	}
	if g.rtmps != nil {
		where = append(where, "rtmps", "rtmps://"+g.reach(g.rtmps.Addr())+"/live")
	}
	if tcp := g.rtc.TCPAddr(); tcp.IsValid() {
		where = append(where, "webrtc-tcp", "tcp://"+tcp.String())
	}
	if g.turn != nil {
		where = append(where, "turn", strings.Join(g.turnPorts.urls(g.ownAddr().String()), " "))
	}
	g.logger.Info("ready", where...)
	if g.opts.LogFormat != "text" {
		return // a machine reads it
	}
	fmt.Fprintf(w, `
Sluice is ready.

  In OBS      Settings > Stream > Service: Custom
              Server      %s
              Stream Key  any name, for example show
  Watch       %s

`, rtmp, page)
}

// reach is the host and port under which others reach a bound address.
func (g *gateway) reach(bound net.Addr) string {
	at, err := netip.ParseAddrPort(bound.String())
	if err != nil {
		return bound.String()
	}
	host := at.Addr().Unmap()
	if host.IsUnspecified() {
		host = g.ownAddr()
	}
	return net.JoinHostPort(host.String(), strconv.Itoa(int(at.Port())))
}

// ownAddr is the public address if one was given, else the one this machine
// uses towards the network, else loopback.
func (g *gateway) ownAddr() netip.Addr {
	if len(g.opts.WebRTCPublicIP) > 0 {
		return g.opts.WebRTCPublicIP[0]
	}
	// Connecting a UDP socket sends nothing; it only asks the routing table.
	// 192.0.2.1 is nobody's (RFC 5737).
	conn, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	defer conn.Close()
	local, _ := conn.LocalAddr().(*net.UDPAddr)
	return local.AddrPort().Addr()
}
