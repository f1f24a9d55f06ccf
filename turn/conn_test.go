package turn

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/metrics"
)

// pipes is a listener of connections in memory, which know synctest's clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (pipes) Addr() net.Addr { return nil }

// connect returns both ends of a connection through a bounded listener.
func connect(t *testing.T) (client, server net.Conn) {
	t.Helper()
	p := pipes{make(chan net.Conn), make(chan struct{})}
	l := bound(p, metrics.New(prometheus.NewRegistry()).TURN())
	t.Cleanup(func() { l.Close() })
	client, raw := net.Pipe()
	p.conns <- raw
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

func binding() []byte {
	return append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
}

// Who says nothing, at first or later, and who takes nothing is sent away.
func TestSilentClients(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(client, server net.Conn) error
		want time.Duration
	}{
		{"nothing at all", func(_, server net.Conn) error {
			_, err := server.Read(make([]byte, maxPacket))
			return err
		}, firstTime},
		{"half a message", func(client, server net.Conn) error {
			go client.Write(binding()[:10])
			_, err := server.Read(make([]byte, maxPacket))
			return err
		}, firstTime},
		{"nothing more", func(client, server net.Conn) error {
			go client.Write(binding())
			if _, err := server.Read(make([]byte, maxPacket)); err != nil {
				return err
			}
			_, err := server.Read(make([]byte, maxPacket))
			return err
		}, idleTime},
		{"takes nothing", func(_, server net.Conn) error {
			_, err := server.Write(binding())
			return err
		}, writeTime},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := connect(t)
				defer client.Close()
				start := time.Now()
				if err := c.do(client, server); err == nil {
					t.Error("no error")
				}
				if took := time.Since(start); took != c.want {
					t.Errorf("it took %v, want %v", took, c.want)
				}
			})
		})
	}
}

// Messages come whole and one at a time, however they were sent.
func TestMessages(t *testing.T) {
	data := []byte{0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0} // ChannelData, padded
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t)
		defer client.Close()
		go func() {
			for _, b := range append(binding(), data...) {
				_, _ = client.Write([]byte{b})
			}
			_, _ = client.Write(append(data, binding()...))
		}()
		for i, want := range [][]byte{binding(), data, data, binding()} {
			b := make([]byte, maxPacket)
			n, err := server.Read(b)
			if err != nil || !bytes.Equal(b[:n], want) {
				t.Errorf("%d: %x, %v, want %x", i, b[:n], err, want)
			}
		}
	})
}

func TestNotTURN(t *testing.T) {
	for name, sent := range map[string]string{
		"HTTP":      "GET / HTTP/1.1\r\n\r\n\r\n\r\n",
		"TLS":       "\x16\x03\x01\x02\x00\x01\x00\x01",
		"too long":  "\x00\x01\xff\xff\x21\x12\xa4\x42",
		"RTP":       "\x80\x60\x00\x00\x00\x00\x00\x00",
		"cut short": "\x00\x01\x00\x08\x21",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := connect(t)
				go func() {
					_, _ = io.WriteString(client, sent)
					client.Close()
				}()
				if n, err := server.Read(make([]byte, maxPacket)); err == nil {
					t.Errorf("%d bytes are taken for a message", n)
				}
			})
		})
	}
}

func FuzzMessageSize(f *testing.F) {
	f.Add([]byte{0, 1, 0, 8})
	f.Add([]byte{0x40, 0, 0, 5})
	f.Add([]byte{0x80, 0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, header []byte) {
		if len(header) < 4 {
			return
		}
		if n, err := messageSize(header); err == nil && (n < 4 || n > 20+0xffff) {
			t.Errorf("%x is of %d bytes", header, n)
		}
	})
}
