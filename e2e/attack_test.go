//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/rtmp"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestAttacks: whatever a crowd of connections does, memory stays below the
// bound of docs/limits.md and honest publishers lose nothing. ATTACKERS=1000
// makes it a large crowd, beside 20 honest publishers.
func TestAttacks(t *testing.T) {
	attackers, honest, during := 100, 3, time.Second
	if text := os.Getenv("ATTACKERS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("ATTACKERS: %v", err)
		}
		attackers, honest, during = n, 20, 12*time.Second
	}
	const ingestMemory = 64 << 20
	s := server.Start(t, "--max-connections", strconv.Itoa(attackers+honest), "--max-ingest-memory", strconv.Itoa(ingestMemory))
	file := filepath.Join(t.TempDir(), "clip.flv")
	source.FFmpeg{}.Encode(t, file, 2*time.Second)
	clip, err := rtmp.ReadFLV(file)
	if err != nil {
		t.Fatal(err)
	}
	good := publishers(t, s, honest, clip)

	for _, a := range []struct {
		name   string
		attack func(net.Conn)
		reason string
	}{
		{"handshakes that never end", func(c net.Conn) { c.Write(hello(1000)) }, ""},
		{"a byte a second", slowly, ""},
		{"16 MiB on every chunk stream", func(c net.Conn) { c.Write(session(c)); c.Write(unfinished(0xffffff, 0)) }, "message_size"},
		{"8 MiB on every chunk stream", func(c net.Conn) { c.Write(session(c)); c.Write(unfinished(8<<20, 1<<20)) }, "memory"},
		{"2 MiB held by each", func(c net.Conn) { c.Write(session(c)); c.Write(unfinished(8<<20, 2<<20)[:2<<20]) }, "memory"},
		{"AMF bombs", func(c net.Conn) { c.Write(append(hello(1+2*1536), bomb()...)) }, "amf_limit"},
	} {
		t.Run(a.name, func(t *testing.T) {
			refusals := func() float64 {
				return s.Scrape().Sum("sluice_ingest_refusals_total", server.Label("reason", a.reason))
			}
			before := refusals()
			peak := watchMemory(s)
			hangUp := crowd(t, s.RTMP, attackers, a.attack)
			watch(t, during)
			if a.reason != "" { // a busy machine may take longer
				await.Success(t, 20*time.Second, func() error {
					if refusals() == before {
						return fmt.Errorf("none was counted as %s:\n%s", a.reason, s.Scrape().List("sluice_ingest_refusals_total"))
					}
					return nil
				})
			}
			hangUp()
			most, bound := <-peak(), boundOf(attackers+honest, ingestMemory)
			t.Logf("at most %.0f MB resident, the bound is %.0f", most/1e6, bound/1e6)
			if most > bound {
				t.Errorf("%.0f MB resident, the bound is %.0f", most/1e6, bound/1e6)
			}
			await.Success(t, 20*time.Second, func() error {
				if n := s.Scrape().Sum("sluice_ingest_connections"); n != float64(honest) {
					return fmt.Errorf("%v connections are open", n)
				}
				return nil
			})
		})
	}
	good(t)
}

// boundOf is the bound of docs/limits.md: what the program itself takes, what
// each connection may, and the memory for unfinished messages, twice because
// the garbage collector lets the heap double.
func boundOf(connections, ingestMemory int) float64 {
	return 100e6 + 2*float64(connections*800<<10+ingestMemory)
}

// publishers sends a clip again and again from each, and returns the check that
// all that was sent arrived.
func publishers(t *testing.T, s *server.Server, n int, clip []rtmp.Tag) func(*testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	sent := make([]int, n)
	failures := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		p, err := rtmp.Publish(s.RTMP, "live", fmt.Sprintf("honest%d", i))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		running.Go(func() {
			failures[i] = p.Play(ctx, rtmp.Repeat(clip, 2000, 600), func(tag rtmp.Tag, _ time.Time) {
				if tag.Type == rtmp.Video && tag.Frame() {
					sent[i]++
				}
			})
		})
	}
	return func(t *testing.T) {
		t.Helper()
		cancel()
		running.Wait()
		for i := range n {
			stream := fmt.Sprintf("live/honest%d", i)
			await.Success(t, 5*time.Second, func() error {
				got := s.Scrape().Sum("sluice_ingest_frames_total", server.Label("stream", stream), server.Label("kind", "video"))
				if got != float64(sent[i]) || sent[i] == 0 {
					return fmt.Errorf("%v of %d frames of %s arrived: %w", got, sent[i], stream, failures[i])
				}
				return nil
			})
		}
		if n := s.Scrape().Sum("sluice_ingest_corrupt_tags_total"); n != 0 {
			t.Errorf("%v tags are corrupt", n)
		}
	}
}

// crowd lets many connections attack at a time, from as many addresses as the
// limit for one address asks for, until the function it returns is called.
func crowd(t *testing.T, addr string, n int, attack func(net.Conn)) (hangUp func()) {
	t.Helper()
	var all sync.WaitGroup
	var conns []net.Conn
	for i := range n {
		from := net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i/50))}
		conn, err := (&net.Dialer{LocalAddr: &from}).Dial("tcp", addr)
		if err != nil {
			t.Error(err)
			continue
		}
		conns = append(conns, conn)
		all.Go(func() { _, _ = io.Copy(io.Discard, conn) })
		all.Go(func() { attack(conn) })
	}
	return func() {
		for _, conn := range conns {
			conn.Close()
		}
		all.Wait()
	}
}

// watchMemory samples what is resident until the function it returns is called.
func watchMemory(s *server.Server) func() <-chan float64 {
	stop, peak := make(chan struct{}), make(chan float64, 1)
	go func() {
		most := 0.0
		for {
			most = max(most, s.Resident())
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() <-chan float64 { close(stop); return peak }
}

// hello returns the beginning of a handshake.
func hello(n int) []byte { return append([]byte{3}, make([]byte, n-1)...) }

// session publishes a stream of the connection's own.
func session(c net.Conn) []byte {
	return rtmp.Session("live", "attacker"+strconv.Itoa(c.LocalAddr().(*net.TCPAddr).Port)+c.LocalAddr().(*net.TCPAddr).IP.String())
}

// unfinished begins video messages on thirteen chunk streams in turns, and sends
// so many bytes of each, the last one always missing.
func unfinished(length, send int) []byte {
	b := []byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff} // Set Chunk Size
	if send == 0 {
		b = nil // a first chunk of 128 bytes will do
		send = 128
	} else {
		b[12], b[13], b[14], b[15] = byte(send>>24), byte(send>>16), byte(send>>8), byte(send)
	}
	for id := range 13 {
		b = append(b, byte(4+id), 0, 0, 0, byte(length>>16), byte(length>>8), byte(length), 9, 1, 0, 0, 0)
		b = append(b, bytes.Repeat([]byte{0x27}, send)...)
	}
	return b
}

// slowly publishes and sends one chunk of a great message byte by byte.
func slowly(c net.Conn) {
	if _, err := c.Write(session(c)); err != nil {
		return
	}
	for _, b := range unfinished(7<<20, 0) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(time.Second / 4)
	}
}

// bomb is a connect command whose object nests arrays of two billion.
func bomb() []byte {
	body := append([]byte("\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03\x00\x03app"), bytes.Repeat([]byte("\x0a\x00\x00\x00\x02"), 20)...)
	return append([]byte{3, 0, 0, 0, 0, 0, byte(len(body)), 20, 0, 0, 0, 0}, body...)
}
