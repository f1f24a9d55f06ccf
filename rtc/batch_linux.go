package rtc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendCall is a call of sendmmsg(2) and what it points at.
type sendCall struct {
	socket *udpCalls

	headers  [batchMessages]mmsghdr
	vectors  [batchMessages]unix.Iovec
	names    [batchMessages]unix.RawSockaddrInet6
	controls [batchMessages][controlSize]byte

	once     func(fd uintptr)      // call
	patient  func(fd uintptr) bool // call, until the socket's buffer has room
	messages int
	sent     int
	errno    syscall.Errno
}

func newSendCall(socket udpConn) *sendCall {
	c := &sendCall{socket: socket.calls}
	c.once = func(fd uintptr) { c.call(fd) }
	c.patient = func(fd uintptr) bool {
		c.call(fd)
		return c.errno != unix.EAGAIN
	}
	return c
}

// mmsghdr is sendmmsg(2)'s and recvmmsg(2)'s.
type mmsghdr struct {
	header unix.Msghdr
	bytes  uint32 // of the message
	_      [4]byte
}

// controlSize is the space of a control message that holds a uint16.
const controlSize = (unix.SizeofCmsghdr+7)&^7 + 8

// send returns how many of the messages were sent, and what is wrong with the
// next one.
func (c *sendCall) send(packets []byte, messages []message) (sent int, err error) {
	for i := range messages {
		c.set(i, &messages[i], packets)
	}
	c.messages = len(messages)
	// Control does not wait for other goroutines that write, as Write does,
	// which is needed only where the socket's buffer is full.
	err = c.socket.raw.Control(c.once)
	if err == nil && c.errno == unix.EAGAIN {
		err = c.socket.raw.Write(c.patient)
	}
	switch {
	case err != nil:
		return 0, err
	case c.errno != 0:
		return 0, fmt.Errorf("sendmmsg: %w", c.errno)
	}
	return c.sent, nil
}

func (c *sendCall) call(fd uintptr) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&c.headers[0])), uintptr(c.messages),
		unix.MSG_DONTWAIT, 0, 0)
	c.sent, c.errno = int(n), errno
}

// set describes a message to the kernel.
func (c *sendCall) set(i int, m *message, packets []byte) {
	c.vectors[i].Base = &packets[m.start]
	c.vectors[i].SetLen(m.end - m.start)
	h := &c.headers[i].header
	h.Name = (*byte)(unsafe.Pointer(&c.names[i]))
	h.Namelen = setName(&c.names[i], m.to, c.socket.ipv4)
	h.Iov = &c.vectors[i]
	h.SetIovlen(1)
	h.Control = nil
	h.SetControllen(0)
	if m.count > 1 { // udp(7), UDP_SEGMENT
		control := &c.controls[i]
		header := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		header.Level, header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		header.SetLen(unix.CmsgLen(2))
		binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], uint16(m.size))
		h.Control = &control[0]
		h.SetControllen(len(control))
	}
}

// refusesSegments reports whether an error means that segmentation will not
// work for this destination next time either: an old kernel, an interface
// without checksum offload, a segment larger than the route's MTU.
func refusesSegments(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) ||
		errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EOPNOTSUPP)
}
