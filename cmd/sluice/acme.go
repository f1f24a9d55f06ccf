package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// automatic is the identity that an ACME server (RFC 8555) certifies, again
// before each certificate expires. autocert, because it answers the two
// challenges that need no account with a DNS provider (http-01 and tls-alpn-01)
// and comes with Go's own crypto module.
type automatic struct {
	*autocert.Manager
	expiry prometheus.Gauge
	log    *slog.Logger
	told   atomic.Int64 // the minute of the last warning
}

func newAutomatic(o options, expiry prometheus.Gauge, log *slog.Logger) *automatic {
	ours := autocert.HostWhitelist(o.ACMEDomain...)
	return &automatic{
		Manager: &autocert.Manager{
			Prompt: autocert.AcceptTOS,
			Cache:  autocert.DirCache(o.ACMEFolder),
			HostPolicy: func(ctx context.Context, host string) error {
				if name, _, err := net.SplitHostPort(host); err == nil {
					host = name // an ACME server may ask on another port than 80
				}
				return ours(ctx, host)
			},
			Client: &acme.Client{DirectoryURL: o.ACMEDirectory, UserAgent: "sluice"},
		},
		expiry: expiry,
		log:    log,
	}
}

func (a *automatic) config(protocols ...string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: a.certificate}
	if len(protocols) > 0 { // else the client's wishes are ignored
		c.NextProtos = append(protocols, acme.ALPNProto)
	}
	return c
}

// certificate returns the one for a client. Where there is none yet, it asks
// the ACME server, which takes seconds.
func (a *automatic) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := a.GetCertificate(hello)
	switch {
	case err != nil && a.HostPolicy(hello.Context(), hello.ServerName) != nil:
		a.log.Debug("TLS for a name that is none of --acme-domain", "name", hello.ServerName)
	case err != nil && a.told.Swap(minute()) != minute():
		a.log.Warn("no certificate from the ACME server", "name", hello.ServerName, "error", err)
	case err == nil && c.Leaf != nil:
		a.expiry.Set(float64(c.Leaf.NotAfter.Unix()))
	}
	return c, err
}

// minute is the number of this one.
func minute() int64 { return time.Now().Unix() / 60 }
