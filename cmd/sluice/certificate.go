package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"
)

// certificate is what Sluice proves its name with over TLS: a PEM file with the
// chain, its own certificate first, and one with the key.
type certificate struct {
	certFile, keyFile string
	pair              atomic.Pointer[tls.Certificate]
}

// load reads the files. After an error the pair before it stays.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("--tls-cert %s, --tls-key %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair.Store(&pair)
	return nil
}

// expiry is when the certificate ends to be valid.
func (c *certificate) expiry() time.Time { return c.pair.Load().Leaf.NotAfter }

// config is for a TLS server; each handshake takes the pair that was read last.
// protocols are those of ALPN (RFC 7301); none: the client's wishes are ignored.
func (c *certificate) config(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.pair.Load(), nil
		},
	}
}

// startIdentity gets ready what TLS servers prove their name with, if anything.
func (g *gateway) startIdentity(ctx context.Context) error {
	switch {
	case g.opts.TLSCert != "":
		return g.startCertificate(ctx)
	case len(g.opts.ACMEDomain) > 0:
		g.identity = newAutomatic(g.opts, g.metrics.CertificateExpiry(), g.logger)
	}
	return nil
}

// startCertificate reads the certificate and keeps it that of the files.
func (g *gateway) startCertificate(ctx context.Context) error {
	c := &certificate{certFile: g.opts.TLSCert, keyFile: g.opts.TLSKey}
	if err := c.load(); err != nil {
		return err
	}
	g.identity = c
	g.tellExpiry(c)
	g.watch(ctx, "certificate files", []string{c.certFile, c.keyFile}, func(context.Context) {
		// The two files cannot change at once: a pair that does not fit may be
		// half of a renewal.
		if err := c.load(); err != nil {
			g.logger.Error("the TLS certificate stays as it was", "error", err)
			return
		}
		g.logger.Info("TLS certificate renewed", "expires", c.expiry())
		g.tellExpiry(c)
	})
	return nil
}

// tellExpiry puts the end of the certificate's validity into the metrics.
func (g *gateway) tellExpiry(c *certificate) {
	expiry := c.expiry()
	g.metrics.CertificateExpiry().Set(float64(expiry.Unix()))
	if time.Now().After(expiry) {
		g.logger.Warn("the TLS certificate has expired: publishers and browsers will refuse it", "expired", expiry)
	}
}
