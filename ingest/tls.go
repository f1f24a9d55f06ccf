package ingest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// errTLS is wrapped by errors of a TLS handshake: a client that speaks
// something else, or does not trust the certificate.
var errTLS = errors.New("TLS handshake")

// explain makes the first Read of a TLS connection, which shakes hands, say
// so if that fails. Other connections are returned as they are.
func explain(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return &explained{Conn: t}
	}
	return c
}

// explained is a TLS connection; Read belongs to one goroutine.
type explained struct {
	*tls.Conn
	shaken bool
}

// Read implements net.Conn.
func (e *explained) Read(p []byte) (int, error) {
	if !e.shaken {
		if err := e.Handshake(); err != nil {
			if errors.Is(err, io.EOF) {
				return 0, err // the client just went
			}
			return 0, fmt.Errorf("%w: %w", errTLS, err)
		}
		e.shaken = true
	}
	return e.Conn.Read(p)
}

// under returns what may be closed from any goroutine without waiting for the
// peer, as a TLS connection does to say goodbye.
func under(c net.Conn) net.Conn {
	if e, ok := c.(*explained); ok {
		return e.NetConn()
	}
	return c
}
