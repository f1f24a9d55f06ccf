//go:build linux

package load

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiveBuffer holds what comes while readers do something else: a whole
// replayed GOP.
const receiveBuffer = 4 << 20

// socket is a viewer's UDP socket. The kernel stamps what arrives. It begins as
// a connection of Go's; detached, it is known to no poller that each packet
// would wake up, at the sender's cost where that is on this machine.
type socket struct {
	*net.UDPConn     // closed when detached
	fd           int // of our own; 0: not detached
}

func listen(local netip.Addr) (*socket, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil { // not root
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
		}
		set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	if err = errors.Join(err, set); err != nil {
		conn.Close()
		return nil, err
	}
	return &socket{UDPConn: conn}, nil
}

// detach makes the socket one that is only polled. With whole, what was sent in
// one piece comes in one piece (udp(7), UDP_GRO).
func (s *socket) detach(whole bool) error {
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	var dup, set error
	err = raw.Control(func(fd uintptr) {
		if whole {
			set = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO, 1)
		}
		s.fd, dup = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 1)
	})
	return errors.Join(err, dup, set, s.UDPConn.Close())
}

// send sends a packet. One that the kernel refuses is lost, as it may be on
// its way.
func (s *socket) send(b []byte, to netip.AddrPort) {
	if s.fd == 0 {
		_, _ = s.WriteToUDPAddrPort(b, to)
		return
	}
	_ = unix.Sendto(s.fd, b, unix.MSG_DONTWAIT, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
}

// Close closes the socket, detached or not.
func (s *socket) Close() error {
	if s.fd == 0 {
		return s.UDPConn.Close()
	}
	return unix.Close(s.fd)
}

const (
	batchSize   = 64
	packetSize  = 1600    // bytes, more than any MTU here
	messageSize = 1 << 16 // bytes, of packets that come in one piece
	controlSize = 64
)

// mmsghdr is recvmmsg(2)'s.
type mmsghdr struct {
	header unix.Msghdr
	size   uint32
	_      [4]byte
}

// batch receives many datagrams at a time.
type batch struct {
	headers  [batchSize]mmsghdr
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrInet4
	controls [batchSize][controlSize]byte
	packets  [batchSize][messageSize]byte
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.headers {
		b.vectors[i].Base = &b.packets[i][0]
		b.vectors[i].SetLen(messageSize)
		h := &b.headers[i].header
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Control = &b.controls[i][0]
	}
	return b
}

// receive returns how many datagrams it took; it never waits.
func (b *batch) receive(fd int) int {
	for i := range b.headers {
		b.headers[i].header.Namelen = unix.SizeofSockaddrInet4
		b.headers[i].header.SetControllen(controlSize)
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), batchSize,
		unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// each calls take with the packets of the i-th datagram, where it is from and
// when the kernel got it.
func (b *batch) each(i int, take func([]byte, netip.AddrPort, time.Time)) {
	name := &b.names[i]
	from := netip.AddrPortFrom(netip.AddrFrom4(name.Addr), name.Port<<8|name.Port>>8)
	packets := b.packets[i][:b.headers[i].size]
	at, size := time.Now(), len(packets)
	messages, _ := unix.ParseSocketControlMessage(b.controls[i][:b.headers[i].header.Controllen])
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS:
			at = time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		case m.Header.Level == unix.SOL_UDP && m.Header.Type == unix.UDP_GRO:
			size = int(binary.NativeEndian.Uint32(m.Data))
		}
	}
	for len(packets) > 0 {
		n := min(size, len(packets))
		take(packets[:n], from, at)
		packets = packets[n:]
	}
}
