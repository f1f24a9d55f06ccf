package rtc

import (
	"net"

	"golang.org/x/sys/unix"
)

// limitUnsent keeps the kernel from taking more than a few bytes beyond what is
// on its way. Where that does not work a slow line is just later.
func limitUnsent(c *net.TCPConn, bytes int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
	})
}
