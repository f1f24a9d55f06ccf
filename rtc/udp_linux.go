package rtc

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// receiveMessages is how many datagrams are taken with one system call,
	// receiveBytes the room for each, as large as pion's own.
	receiveMessages = 16
	receiveBytes    = 8 << 10
)

// udpCalls are the system calls on a socket. None of them waits, so Go's
// scheduler is not told of them, as it would have to be of those that may: its
// monitor gets up at each that comes after an idle moment, looks around every 20 µs
// for milliseconds, and gives a CPU to another thread while much is sent.
type udpCalls struct {
	raw  syscall.RawConn
	ipv4 bool // the socket's family

	// owned by the one goroutine that reads
	headers     [receiveMessages]mmsghdr
	vectors     [receiveMessages]unix.Iovec
	names       [receiveMessages]unix.RawSockaddrInet6 // or of IPv4
	packets     [receiveMessages][receiveBytes]byte
	receive     func(fd uintptr) bool // until something has come
	next, taken int                   // of packets
	errno       syscall.Errno
}

func newUDPCalls(conn *net.UDPConn) (*udpCalls, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &udpCalls{raw: raw}
	var domainErr error
	if err := errors.Join(raw.Control(func(fd uintptr) {
		var domain int
		domain, domainErr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		c.ipv4 = domain == unix.AF_INET
	}), domainErr); err != nil {
		return nil, err
	}
	for i := range c.headers {
		c.vectors[i].Base = &c.packets[i][0]
		c.vectors[i].SetLen(receiveBytes)
		h := &c.headers[i].header
		h.Name, h.Iov = (*byte)(unsafe.Pointer(&c.names[i])), &c.vectors[i]
		h.SetIovlen(1)
	}
	c.receive = func(fd uintptr) bool {
		for i := range c.headers {
			c.headers[i].header.Namelen = unix.SizeofSockaddrInet6
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&c.headers[0])), receiveMessages,
			unix.MSG_DONTWAIT, 0, 0)
		if c.errno = errno; errno == 0 {
			c.next, c.taken = 0, int(n)
		}
		return errno != unix.EAGAIN
	}
	return c, nil
}

// read waits for a datagram, of which b gets as much as it holds.
func (c *udpCalls) read(b []byte) (n int, from netip.AddrPort, err error) {
	for c.next == c.taken {
		if err := c.raw.Read(c.receive); err != nil {
			return 0, from, err
		}
		if c.errno != 0 {
			return 0, from, c.errno
		}
	}
	i := c.next
	c.next++
	return copy(b, c.packets[i][:c.headers[i].bytes]), addrPortIn(&c.names[i]), nil
}

// write sends a datagram, at once or as soon as the socket's buffer has room. It
// may be called from any goroutine.
func (c *udpCalls) write(b []byte, to netip.AddrPort) (int, error) {
	var errno syscall.Errno
	var name unix.RawSockaddrInet6
	size := setName(&name, to, c.ipv4)
	send := func(fd uintptr) bool {
		_, _, errno = unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&name)), uintptr(size))
		return errno != unix.EAGAIN
	}
	if err := c.raw.Write(send); err != nil {
		return 0, err
	}
	if errno != 0 {
		return 0, errno
	}
	return len(b), nil
}

// setName writes a destination in the form of the socket's family.
func setName(name *unix.RawSockaddrInet6, to netip.AddrPort, ipv4 bool) (size uint32) {
	if ipv4 {
		n := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		*n = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().Unmap().As4()}
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&n.Port))[:], to.Port())
		return unix.SizeofSockaddrInet4
	}
	*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: to.Addr().As16()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], to.Port())
	return unix.SizeofSockaddrInet6
}

// addrPortIn reads a name in the form of either family.
func addrPortIn(name *unix.RawSockaddrInet6) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if name.Family == unix.AF_INET {
		n := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(n.Addr), port)
	}
	ip := netip.AddrFrom16(name.Addr)
	if name.Scope_id != 0 {
		ip = ip.WithZone(strconv.FormatUint(uint64(name.Scope_id), 10))
	}
	return netip.AddrPortFrom(ip, port)
}
