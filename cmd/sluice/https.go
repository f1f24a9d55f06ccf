package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluice-media/sluice/forwarded"
)

// identity is what TLS servers prove their name with: files, or what an ACME
// server certified.
type identity interface {
	// config is for a TLS server; protocols are those of ALPN (RFC 7301).
	config(protocols ...string) *tls.Config
}

// serveWeb serves viewers over HTTP, and over HTTPS where that is asked for.
// HTTP then leads there.
func (g *gateway) serveWeb(pages http.Handler) error {
	front := func(h http.Handler) http.Handler {
		below := ""
		if g.opts.PublicURL != nil {
			below = g.opts.PublicURL.Path
		}
		return forwarded.Proxies(g.opts.TrustedProxy).Handler(forwarded.Prefix(below, h))
	}
	plain := front(pages)
	if g.opts.HTTPSAddr != "" {
		s := newWebServer(front(pages), g.logger)
		s.TLSConfig = g.identity.config("h2", "http/1.1")
		serve := s.Serve // what shares a port with TURN has shaken hands
		if g.webTLS == nil {
			l, err := listen("--https-addr", g.opts.HTTPSAddr)
			if err != nil {
				return err
			}
			g.webTLS = l
			serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
		}
		g.servers.Go(func() { g.failed <- fmt.Errorf("https server: %w", serve(g.webTLS)) })
		g.parts.push("https", func(ctx context.Context) error { return endHTTP(ctx, s) })
		plain = front(toHTTPS(g.opts.PublicURL, g.webTLS.Addr(), pages))
	}
	if a, ok := g.identity.(*automatic); ok {
		plain = a.HTTPHandler(plain)
	}
	g.serveHTTP("http", g.web, newWebServer(plain, g.logger))
	return nil
}

// toHTTPS leads clients to HTTPS: to the public URL, else to the port that is
// bound. 308 keeps the method: a player's POST stays one. Whose proxy speaks
// HTTPS is there already.
func toHTTPS(public *url.URL, bound net.Addr, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-Proto") == "https" {
			next.ServeHTTP(w, r)
			return
		}
		root := "https://" + secureHost(r.Host, bound)
		if public != nil {
			root = strings.TrimSuffix(public.String(), "/")
		}
		w.Header().Set("Access-Control-Allow-Origin", "*") // or scripts see nothing but an error
		http.Redirect(w, r, root+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
}

// secureHost is the HTTPS server, under the name that a client used for the
// HTTP server.
func secureHost(host string, bound net.Addr) string {
	const usual = 443
	at, _ := bound.(*net.TCPAddr)
	name := (&url.URL{Host: host}).Hostname()
	if at.Port != usual {
		return net.JoinHostPort(name, strconv.Itoa(at.Port))
	}
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

// named says whether TLS servers have something to prove their name with.
func (o options) named() bool { return o.TLSCert != "" || len(o.ACMEDomain) > 0 }

// checkTLS refuses what does not go together.
func (o options) checkTLS() error {
	switch {
	case (o.TLSCert == "") != (o.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together: a certificate and its key")
	case o.TLSCert != "" && len(o.ACMEDomain) > 0:
		return errors.New("--tls-cert and --acme-domain are two ways to a certificate, give one of them")
	case o.RTMPSAddr != "" && !o.named():
		return errors.New("--rtmps-addr needs --tls-cert and --tls-key, or --acme-domain")
	case o.HTTPSAddr != "" && !o.named():
		return errors.New("--https-addr needs --tls-cert and --tls-key, or --acme-domain")
	case len(o.ACMEDomain) > 0 && o.HTTPSAddr == "":
		return errors.New("--acme-domain needs --https-addr")
	}
	for _, name := range o.ACMEDomain {
		if !strings.Contains(strings.Trim(name, "."), ".") || strings.ContainsAny(name, ":/*") || net.ParseIP(name) != nil {
			return fmt.Errorf("--acme-domain must be a name such as live.example.org, not %q", name)
		}
	}
	if u := o.PublicURL; u != nil {
		switch {
		case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
			return fmt.Errorf("--public-url must be like https://example.org/live, not %q", u.Redacted())
		case o.HTTPSAddr != "" && u.Scheme != "https":
			return errors.New("--public-url must begin with https:// where there is an --https-addr")
		}
	}
	return nil
}
