package rtc

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendSegments sends packets of size bytes each, the last one at most that,
// which lie one behind the other, with one system call (udp(7), UDP_SEGMENT).
func (c udpConn) sendSegments(packets []byte, size int, to netip.AddrPort) error {
	if len(packets) <= size {
		_, err := c.WriteToUDPAddrPort(packets, to)
		return err
	}
	var control [controlSize]byte
	header := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	header.Level, header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	header.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], uint16(size))
	_, _, err := c.WriteMsgUDPAddrPort(packets, control[:], to)
	return err
}

// controlSize is the space of a control message that holds a uint16.
const controlSize = (unix.SizeofCmsghdr+7)&^7 + 8

// refusesSegments reports whether an error means that segmentation will not
// work for this destination next time either: an old kernel, an interface
// without checksum offload, a segment larger than the route's MTU.
func refusesSegments(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) ||
		errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EOPNOTSUPP)
}
