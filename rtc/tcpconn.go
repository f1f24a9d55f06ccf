package rtc

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// tcpQueue is how many bytes may wait for a connection, and unsent how many
	// of those that the kernel has. What waits is late: together this is 200 ms
	// of 4 Mbit/s.
	tcpQueue = 64 << 10
	unsent   = 32 << 10
	// stallTime is how long a peer may take nothing before its connection ends.
	stallTime = 4 * time.Second
	// idleTime is how long a peer may say nothing: consent is asked for every
	// few seconds (RFC 7675 §5.1).
	idleTime = time.Minute
)

// tcpConn is a connection of one peer.
//
// Where the line is slower than the media, whoever sends media waits in write,
// which is the goroutine of that one session: its frames wait where those of
// all sessions do, and are dropped there, whole. Whatever else is sent does not
// wait and is lost.
type tcpConn struct {
	conn   net.Conn
	remote netip.AddrPort

	// guarded by mu
	mu     sync.Mutex
	moved  sync.Cond // something was queued or taken, or it is closed
	queue  []byte
	closed bool
}

func newTCPConn(conn net.Conn, remote netip.AddrPort) *tcpConn {
	c := &tcpConn{conn: conn, remote: remote}
	c.moved.L = &c.mu
	if t, ok := conn.(*net.TCPConn); ok {
		limitUnsent(t, unsent)
	}
	return c
}

// write queues a packet, framed (RFC 4571 §2).
func (c *tcpConn) write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue)+2+len(b) > tcpQueue && !c.closed {
		if !isRTP(b) {
			return len(b), nil
		}
		c.moved.Wait()
	}
	if c.closed {
		return 0, net.ErrClosed
	}
	c.queue = binary.BigEndian.AppendUint16(c.queue, uint16(len(b)))
	c.queue = append(c.queue, b...)
	c.moved.Broadcast()
	return len(b), nil
}

// drain sends what is queued until the connection is closed: all that waits in
// one piece.
func (c *tcpConn) drain() {
	defer c.close()
	var taken []byte
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.closed {
			c.moved.Wait()
		}
		if c.closed {
			c.mu.Unlock()
			return
		}
		taken, c.queue = c.queue, taken[:0]
		c.moved.Broadcast()
		c.mu.Unlock()
		if err := c.conn.SetWriteDeadline(time.Now().Add(stallTime)); err != nil {
			return
		}
		if _, err := c.conn.Write(taken); err != nil {
			return
		}
	}
}

// close ends the connection; those who wait get an error.
func (c *tcpConn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.moved.Broadcast()
		_ = c.conn.Close()
	}
}

// frames reads packets off a stream (RFC 4571 §2).
type frames struct{ in *bufio.Reader }

func newFrames(r io.Reader) frames { return frames{bufio.NewReaderSize(r, maxFrame)} }

// maxFrame is the largest packet that a peer sends: DTLS and RTCP of one that
// goes by the path MTU of UDP.
const maxFrame = 2048

// next returns the next packet, which is the caller's.
func (f frames) next() ([]byte, error) {
	header, err := f.in.Peek(2)
	if err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(header))
	if size > maxFrame {
		return nil, io.ErrShortBuffer
	}
	_, _ = f.in.Discard(2)
	packet := make([]byte, size)
	_, err = io.ReadFull(f.in, packet)
	return packet, err
}
