// Package free finds ports that a server under test can have.
package free

import (
	"errors"
	"net"
	"syscall"
)

// TCP returns a loopback address that nobody listens on.
func TCP() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Media returns a loopback address whose port is free for UDP and for TCP: Sluice
// takes both.
func Media() (string, error) {
	for {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		addr := c.LocalAddr().String()
		l, err := net.Listen("tcp", addr)
		c.Close()
		if err == nil {
			return addr, l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return "", err
		}
	}
}
