//go:build !linux

package rtc

import "net"

// limitUnsent does what there is: a small buffer.
func limitUnsent(c *net.TCPConn, bytes int) { _ = c.SetWriteBuffer(2 * bytes) }
