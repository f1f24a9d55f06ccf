// Package rtmp is a publisher that can do what no real one does: it sends FLV
// tags byte for byte as the test made them. It speaks the least of RTMP that a
// server must accept, and owes nothing to the server's own library.
package rtmp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// patience bounds each step of a session.
const patience = 10 * time.Second

const handshakeSize = 1536 // C1 and C2, Adobe RTMP 1.0 §5.2.3

// Message types, Adobe RTMP 1.0 §5.4 and §7.1.
const (
	typeSetChunkSize = 1
	typeCommand      = 20
)

// The one message stream we publish on, as any server's first createStream
// returns it.
const mediaStream = 1

// Publisher is one publishing connection.
type Publisher struct {
	conn net.Conn
	in   *chunkReader
}

// Publish connects to host:port and publishes app/key.
func Publish(addr, app, key string) (*Publisher, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	p := &Publisher{conn: conn, in: newChunkReader(bufio.NewReader(conn))}
	_ = conn.SetDeadline(time.Now().Add(patience))
	if err := errors.Join(p.handshake(), p.session(addr, app, key)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("publish %s/%s: %w", app, key, err)
	}
	_ = conn.SetDeadline(time.Time{})
	go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with the connection
	return p, nil
}

func (p *Publisher) handshake() error {
	if _, err := p.conn.Write(append([]byte{3}, make([]byte, handshakeSize)...)); err != nil {
		return err
	}
	answer := make([]byte, 1+2*handshakeSize) // S0 S1 S2
	if _, err := io.ReadFull(p.in.r, answer); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	_, err := p.conn.Write(answer[1 : 1+handshakeSize]) // C2 repeats S1
	return err
}

// Session returns all that a publisher sends before media, for one who will not
// wait for any answer.
func Session(app, key string) []byte {
	b := append([]byte{3}, make([]byte, 2*handshakeSize)...)
	b = append(b, message(3, typeCommand, 0, 0, marshal("connect", 1.0, connectObject("localhost", app)))...)
	b = append(b, message(3, typeCommand, 0, 0, marshal("createStream", 2.0, nil))...)
	return append(b, message(3, typeCommand, 0, mediaStream, marshal("publish", 3.0, nil, key, "live"))...)
}

func connectObject(addr, app string) object {
	return object{{"app", app}, {"type", "nonprivate"}, {"tcUrl", "rtmp://" + addr + "/" + app}}
}

func (p *Publisher) session(addr, app, key string) error {
	if err := p.call("_result", 0, "connect", 1.0, connectObject(addr, app)); err != nil {
		return err
	}
	if err := p.call("_result", 0, "createStream", 2.0, nil); err != nil {
		return err
	}
	return p.call("NetStream.Publish.Start", mediaStream, "publish", 3.0, nil, key, "live")
}

// call sends a command and reads until an answer that contains want.
func (p *Publisher) call(want string, stream uint32, command ...any) error {
	if err := p.write(3, typeCommand, 0, stream, marshal(command...)); err != nil {
		return err
	}
	for {
		kind, body, err := p.in.message()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", want, err)
		}
		if kind != typeCommand {
			continue
		}
		switch {
		case contains(body, want):
			return nil
		case contains(body, "_error"), contains(body, "level\x02\x00\x05error"):
			return fmt.Errorf("refused: %q", body)
		}
	}
}

// WriteTag sends one FLV tag as a message.
func (p *Publisher) WriteTag(t Tag) error {
	_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	return p.write(4, t.Type, t.Timestamp, mediaStream, t.Body)
}

// Close breaks the connection, without the goodbyes of a well-behaved client.
func (p *Publisher) Close() { p.conn.Close() }
