package guard

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sluice-media/sluice/ingest/chunk"
	"github.com/sluice-media/sluice/nonblock"
)

const (
	// readBuffer is the size of reads from the network in bytes: a P-frame of
	// 6 Mbit/s comes in one.
	readBuffer = 32 << 10

	// handshake is the length of C0, C1 and C2 (§5.2).
	handshake = 1 + 1536 + 1536

	// refresh is how often the idle deadline is moved at most.
	refresh = time.Second
)

// Conn is a guarded connection.
type Conn struct {
	net.Conn

	// static
	cfg Config

	// owned by the reading goroutine
	in        io.Reader // the network
	src       *bufio.Reader
	received  uint64 // bytes from the network
	shaking   int    // bytes of the handshake still to pass on
	messages  *chunk.Reader
	head      []byte    // header of the message on its way to go-rtmp
	body      []byte    // the rest of its body
	refreshed time.Time // when the idle deadline was last moved
	acks      acks
	client    Abilities
	progress  progress
	err       error // of the first Read that failed

	// guarded by mu
	mu       sync.Mutex
	answered bool // connect
	muted    bool // after the last word: what go-rtmp still says is not sent
	deaf     bool // the peer did not read
}

// New guards c. The time to publish runs from now on.
func New(c net.Conn, cfg Config) *Conn {
	g := &Conn{Conn: c, in: nonblock.Reader(c), cfg: cfg.withDefaults(), shaking: handshake}
	g.src = bufio.NewReaderSize(counted{g}, readBuffer)
	g.messages = chunk.NewReader(g.src, g.cfg.Limits)
	_ = c.SetReadDeadline(time.Now().Add(g.cfg.PublishTimeout)) // a failed one shows in Read
	return g
}

// counted is the network side of a Conn's reader.
type counted struct{ c *Conn }

func (r counted) Read(p []byte) (int, error) {
	n, err := r.c.in.Read(p)
	r.c.received += uint64(n)
	return n, err
}

// Read implements net.Conn. It never returns bytes of two messages at once, so
// when go-rtmp handles a message nothing of the next has been looked at.
func (c *Conn) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.read(p)
	c.err = err
	return n, err
}

func (c *Conn) read(p []byte) (int, error) {
	if c.shaking > 0 {
		return c.shake(p)
	}
	for len(c.head)+len(c.body) == 0 {
		m, err := c.messages.Next()
		if err != nil {
			return 0, err
		}
		c.acks.due(c)
		if err := c.handle(m); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.head)
	c.head = c.head[n:]
	k := copy(p[n:], c.body)
	c.body = c.body[k:]
	return n + k, nil
}

// shake passes the handshake through, once its first byte has shown that it
// is one.
func (c *Conn) shake(p []byte) (int, error) {
	if c.shaking == handshake {
		b, err := c.src.Peek(1)
		if err != nil {
			return 0, err
		}
		if err := version(b[0]); err != nil {
			return 0, err
		}
	}
	n, err := c.src.Read(p[:min(len(p), c.shaking)])
	if c.shaking -= n; c.shaking == 0 {
		// go-rtmp never sees another chunk size.
		c.pass(chunk.Message{Type: chunk.SetChunkSize, Body: []byte{0, 0xff, 0xff, 0xff}})
	}
	return n, err
}

// version checks C0 (§5.2.2).
func version(c0 byte) error {
	switch c0 {
	case 3:
		return nil
	case 6, 8, 9:
		return fmt.Errorf("%w: encrypted RTMP (RTMPE)", ErrNotRTMP)
	case 0x16:
		return fmt.Errorf("%w: a TLS handshake (RTMPS) on a plain RTMP port", ErrNotRTMP)
	case 'C', 'D', 'G', 'H', 'O', 'P', 'T': // CONNECT, DELETE, GET, HEAD, OPTIONS, POST and so on, TRACE
		return fmt.Errorf("%w: an HTTP request on the RTMP port", ErrNotRTMP)
	default:
		return fmt.Errorf("%w: first byte 0x%02x", ErrNotRTMP, c0)
	}
}

// pass puts a message on its way to go-rtmp. All go on one chunk stream, which
// costs go-rtmp one buffer, and each has a full header.
func (c *Conn) pass(m chunk.Message) {
	c.head = chunk.AppendHeader(c.head[:0], csCommand, m)
	c.body = m.Body
}

// Err returns what ended the connection; nil: nothing has that the guard knows
// of. It belongs to the reading goroutine.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deaf {
		return ErrDeaf
	}
	return c.err
}
