package turn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// conn is a client's connection, which ends when the client has gone silent.
type conn struct {
	net.Conn
	listener *listener
	host     netip.Addr
	once     sync.Once
	in       *bufio.Reader
	patience time.Duration // of the next Read
}

func newConn(raw net.Conn, l *listener, host netip.Addr) *conn {
	return &conn{Conn: raw, listener: l, host: host, in: bufio.NewReaderSize(raw, maxPacket), patience: firstTime}
}

// Read returns one whole message, so that the library has no use for its own
// buffer, which has no bound, and for as many calls as a slow client makes.
func (c *conn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	header, err := c.in.Peek(4)
	if err != nil {
		return 0, err
	}
	size, err := messageSize(header)
	if err != nil {
		return 0, err
	}
	if size > len(b) {
		return 0, io.ErrShortBuffer
	}
	c.patience = idleTime
	return io.ReadFull(c.in, b[:size])
}

var errFrame = errors.New("neither STUN nor ChannelData")

// messageSize returns the size of a message that begins with a header, padding
// included (RFC 8489 §5, RFC 8656 §12.5).
func messageSize(header []byte) (int, error) {
	length := int(binary.BigEndian.Uint16(header[2:]))
	switch header[0] >> 6 {
	case 0:
		return 20 + length, nil
	case 1:
		return 4 + (length+3)&^3, nil
	default:
		return 0, errFrame
	}
}

// Write ends the connection if the client does not take it in time: what has
// been written of a message cannot be taken back.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}

// Close counts the connection out. It does not say goodbye in TLS, which a
// client that takes nothing would make it wait for.
func (c *conn) Close() (err error) {
	c.once.Do(func() {
		err = underlying(c.Conn).Close()
		l := c.listener
		l.mu.Lock()
		delete(l.conns, c)
		l.mu.Unlock()
		l.crowd.Leave(c.host)
		l.open.Done()
	})
	return err
}
