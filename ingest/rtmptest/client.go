package rtmptest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
)

// patience is how long a Client waits for a reply before its test fails.
const patience = 20 * time.Second

// Client is a publisher's end of a connection.
type Client struct {
	tb        testing.TB
	conn      net.Conn
	ChunkSize int                // of what it sends
	messages  chan chunk.Message // from the server; closed at the end
}

// NewClient returns a Client on c, which it closes when the test ends.
func NewClient(tb testing.TB, c net.Conn) *Client {
	cl := &Client{tb: tb, conn: c, ChunkSize: 128, messages: make(chan chunk.Message, 100)}
	tb.Cleanup(func() { c.Close() })
	return cl
}

// Dial returns a Client connected to a TCP address.
func Dial(tb testing.TB, addr net.Addr) *Client {
	tb.Helper()
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		tb.Fatal(err)
	}
	return NewClient(tb, c)
}

// Write sends bytes as they are. The server may have hung up.
func (c *Client) Write(b []byte) { _, _ = c.conn.Write(b) }

// Close hangs up.
func (c *Client) Close() { c.conn.Close() }

// Reset hangs up as a process that is killed.
func (c *Client) Reset() {
	_ = c.conn.(*net.TCPConn).SetLinger(0)
	c.conn.Close()
}

// Handshake does the handshake and begins to read the server's messages.
func (c *Client) Handshake() {
	c.tb.Helper()
	hello := Handshake()
	c.Write(hello[:1+1536])
	answer := make([]byte, 1+1536+1536)
	if _, err := io.ReadFull(c.conn, answer); err != nil {
		c.tb.Fatalf("handshake: %v", err)
	}
	if answer[0] != 3 || !bytes.Equal(answer[1+1536+8:], hello[9:1+1536]) {
		c.tb.Fatal("handshake: S0 or the echo in S2 is wrong")
	}
	c.Write(hello[1+1536:])
	go c.read()
}

func (c *Client) read() {
	defer close(c.messages)
	r := chunk.NewReader(bufio.NewReader(c.conn), chunk.Limits{})
	for {
		m, err := r.Next()
		if err != nil {
			return
		}
		m.Body = bytes.Clone(m.Body)
		c.messages <- m
	}
}

// Send sends a message on a chunk stream.
func (c *Client) Send(id byte, m chunk.Message) {
	c.Write(AppendChunks(nil, id, c.ChunkSize, m))
}

// Command sends a command.
func (c *Client) Command(streamID uint32, values ...any) {
	c.Send(Commands, Command(streamID, values...))
}

// Video and Audio send messages of their kind.
func (c *Client) Video(m chunk.Message) { c.Send(VideoID, m) }

// Audio sends audio messages.
func (c *Client) Audio(m chunk.Message) { c.Send(AudioID, m) }

// Next returns the server's next message; false: it has hung up.
func (c *Client) Next() (chunk.Message, bool) {
	c.tb.Helper()
	select {
	case m, ok := <-c.messages:
		return m, ok
	case <-time.After(patience):
		c.tb.Fatal("the server neither answers nor hangs up")
		return chunk.Message{}, false
	}
}

// Expect skips messages up to the next command of a name, and returns the
// values behind it.
func (c *Client) Expect(name string) []any {
	c.tb.Helper()
	for {
		m, ok := c.Next()
		if !ok {
			c.tb.Fatalf("the server hung up before %s", name)
		}
		if values := Values(m); len(values) > 0 && values[0] == name {
			return values[1:]
		}
	}
}

// Values returns the values of a command; none: it is another message.
func Values(m chunk.Message) (values []any) {
	if m.Type != chunk.CommandAMF0 {
		return nil
	}
	for r := amf0.NewReader(m.Body); ; {
		v, err := r.Next()
		if err != nil {
			return values
		}
		values = append(values, v)
	}
}

// Status waits for the next onStatus and returns its code and description.
func (c *Client) Status() (code, description string) {
	c.tb.Helper()
	values := c.Expect("onStatus")
	info, _ := values[len(values)-1].(amf0.Object)
	return info.String("code"), info.String("description")
}

// HungUp waits until the server has hung up.
func (c *Client) HungUp() {
	c.tb.Helper()
	for {
		if _, ok := c.Next(); !ok {
			return
		}
	}
}

// Connect does everything up to the publish command.
func (c *Client) Connect(app, key string) {
	c.tb.Helper()
	c.Handshake()
	c.Send(Commands, Connect(app))
	c.Expect("_result")
	c.Command(0, "releaseStream", 2.0, nil, key)
	c.Command(0, "FCPublish", 3.0, nil, key)
	c.Command(0, "createStream", 4.0, nil)
	for {
		if values := c.Expect("_result"); values[0] == 4.0 {
			return
		}
	}
}

// Publish does everything up to the answer to publish, and returns its code.
func (c *Client) Publish(app, key string) (code, description string) {
	c.tb.Helper()
	c.Connect(app, key)
	c.Command(1, "publish", 5.0, nil, key, "live")
	return c.Status()
}
