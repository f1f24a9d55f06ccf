//go:build !linux

package rtc

import (
	"errors"
	"net/netip"
)

var errNoSegments = errors.New("no segmentation offload on this system")

func (udpConn) sendSegments([]byte, int, netip.AddrPort) error { return errNoSegments }

func refusesSegments(err error) bool { return errors.Is(err, errNoSegments) }
