package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen binds a TCP address that came from a flag.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, bindError(flag, "tcp", addr, err)
	}
	return l, nil
}

// bindError says which flag to change, and whom to ask about the port.
func bindError(flag, network, addr string, err error) error {
	_, port, _ := net.SplitHostPort(addr)
	var advice string
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		advice = fmt.Sprintf("another program has the port (sudo ss -Hlp --%s 'sport = :%s' names it), end it or choose another port", network, port)
	case errors.Is(err, syscall.EACCES):
		advice = "ports below 1024 need root or CAP_NET_BIND_SERVICE, choose a higher one"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = "this machine has no such address (ip addr lists the ones it has), leave the host out to listen on all"
	default:
		return fmt.Errorf("cannot listen on %s %s: %w", flag, addr, err)
	}
	return fmt.Errorf("cannot listen on %s %s: %s: %w", flag, addr, advice, err)
}
