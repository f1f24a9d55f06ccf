package rtc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

// stunTries and stunPause: a request is repeated as it may be lost (RFC 8489
// §6.2.1).
const (
	stunTries = 4
	stunPause = 500 * time.Millisecond
)

// Seen is how a STUN server sees an address of ours.
type Seen struct{ Local, Public netip.AddrPort }

// Discover asks a STUN server how it sees a UDP address of ours, which must be
// free: once for each family that both have. It takes two seconds at most for
// each.
func Discover(ctx context.Context, local, server string) ([]Seen, error) {
	var list []Seen
	var errs []error
	for _, network := range []string{"udp4", "udp6"} {
		seen, err := discover(ctx, network, local, server)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, seen)
	}
	if len(list) == 0 {
		return nil, errors.Join(errs...)
	}
	return list, nil
}

func discover(ctx context.Context, network, local, server string) (Seen, error) {
	ours, err := net.ResolveUDPAddr(network, local)
	if err != nil {
		return Seen{}, err
	}
	var dialer net.Dialer
	dialer.LocalAddr = ours
	conn, err := dialer.DialContext(ctx, network, server)
	if err != nil {
		return Seen{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return Seen{}, err
	}
	for range stunTries {
		if _, err := conn.Write(request.Raw); err != nil {
			return Seen{}, err
		}
		if public, err := answerTo(request, conn); err == nil {
			at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
			return Seen{netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), public}, nil
		}
	}
	return Seen{}, fmt.Errorf("no answer from %s over %s", conn.RemoteAddr(), network)
}

// answerTo waits for the answer to a request.
func answerTo(request *stun.Message, conn net.Conn) (netip.AddrPort, error) {
	if err := conn.SetReadDeadline(time.Now().Add(stunPause)); err != nil {
		return netip.AddrPort{}, err
	}
	b := make([]byte, 1500)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return netip.AddrPort{}, err
		}
		answer := &stun.Message{Raw: b[:n]}
		var mapped stun.XORMappedAddress
		if answer.Decode() != nil || answer.TransactionID != request.TransactionID || mapped.GetFrom(answer) != nil {
			continue
		}
		ip, ok := netip.AddrFromSlice(mapped.IP)
		if ok {
			return netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port)), nil
		}
	}
}
