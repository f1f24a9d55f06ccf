package rtc

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tcpLate is how many bytes wait for a connection when it counts as full,
	// and tcpUnsent how many of those that the kernel has. What waits is late:
	// together this is 200 ms of 4 Mbit/s.
	tcpLate   = 64 << 10
	tcpUnsent = 32 << 10
	// tcpMost bounds what waits: beside what is late, a keyframe.
	tcpMost = 8 << 20
	// tcpPiece is what a peer has stallTime to take.
	tcpPiece  = 16 << 10
	stallTime = 4 * time.Second
	// idleTime is how long a peer may say nothing: consent is asked for every
	// few seconds (RFC 7675 §5.1).
	idleTime = time.Minute
)

// tcpConn is a connection of one peer. Nobody waits for it: what is sent is
// queued, and whoever sends media looks first whether the queue is full (Peer.Full),
// so that frames are dropped whole and where all frames wait.
type tcpConn struct {
	conn   net.Conn
	remote netip.AddrPort
	queued *atomic.Int64 // bytes, of all connections of the session

	// guarded by mu
	mu     sync.Mutex
	some   sync.Cond // queue or closed
	queue  []byte
	closed bool
}

func newTCPConn(conn net.Conn, remote netip.AddrPort, queued *atomic.Int64) *tcpConn {
	c := &tcpConn{conn: conn, remote: remote, queued: queued}
	c.some.L = &c.mu
	if t, ok := conn.(*net.TCPConn); ok {
		limitUnsent(t, tcpUnsent)
	}
	return c
}

// write queues a packet, framed (RFC 4571 §2). It loses what is no media when
// the queue is full: media is first asked about.
func (c *tcpConn) write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := tcpLate
	if isRTP(b) {
		most = tcpMost
	}
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case len(c.queue)+2+len(b) > most:
		return len(b), nil
	}
	c.queue = binary.BigEndian.AppendUint16(c.queue, uint16(len(b)))
	c.queue = append(c.queue, b...)
	c.queued.Add(int64(2 + len(b)))
	c.some.Signal()
	return len(b), nil
}

// drain sends what is queued until the connection is closed.
func (c *tcpConn) drain() {
	defer c.close()
	var taken []byte
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.closed {
			c.some.Wait()
		}
		if c.closed {
			c.mu.Unlock()
			return
		}
		taken, c.queue = c.queue, reuse(taken)
		c.mu.Unlock()
		if !c.send(taken) {
			return
		}
	}
}

// send writes to the connection; false: it is of no use any more.
func (c *tcpConn) send(b []byte) bool {
	left := int64(len(b))
	defer func() { c.queued.Add(-left) }()
	for piece := range slices.Chunk(b, tcpPiece) {
		_ = c.conn.SetWriteDeadline(time.Now().Add(stallTime))
		n, err := c.conn.Write(piece)
		c.queued.Add(-int64(n))
		left -= int64(n)
		if err != nil {
			return false
		}
	}
	return true
}

// reuse returns an empty buffer, which is no keyframe's.
func reuse(b []byte) []byte {
	if cap(b) > 4*tcpLate {
		return nil
	}
	return b[:0]
}

// close ends the connection.
func (c *tcpConn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.queued.Add(-int64(len(c.queue)))
		c.queue = nil
		c.some.Signal()
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
