//go:build e2e

package e2e

import (
	"bytes"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestGarbage throws hostile bytes at every port while somebody watches. The
// viewer must lose nothing, the log must stay short, and a new publisher and a
// new viewer must be served afterwards.
func TestGarbage(t *testing.T) {
	const stream = "live/steady"
	s := server.Start(t)
	source.FFmpeg{}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Playing(60)
	v.Video.Mark()
	before := strings.Count(s.Output(), "\n")

	thrown := 0
	for _, addr := range []string{s.RTMP, s.HTTP, s.Admin} {
		for _, bytes := range append(rtmpGarbage(), httpGarbage()...) {
			throwTCP(t, addr, bytes)
			thrown++
		}
	}
	for _, bytes := range udpGarbage() {
		throwUDP(t, s.UDP, bytes)
	}
	v.Playing(60)
	if err := undisturbed(v); err != nil {
		t.Error(err)
	}
	lines := strings.Count(s.Output(), "\n") - before
	t.Logf("%d connections with garbage, %d log lines", thrown, lines)
	if lines > 2*thrown {
		t.Errorf("%d log lines for %d bad connections", lines, thrown)
	}

	source.FFmpeg{}.Publish(t, s.Publish("live/after"))
	s.WaitLive("live/after")
	viewer.Join(t, s.WHEP("live/after")).Playing(10)
}

// throwTCP writes bytes to a port and waits until the server has had enough
// of them, or for the time that garbage needs to do its work.
func throwTCP(t *testing.T, addr string, garbage []byte) {
	t.Helper()
	const enough = 300 * time.Millisecond
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatalf("%s does not accept: %v", addr, err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(enough))
	_, _ = conn.Write(garbage) // the server may hang up at any byte
	for answer := make([]byte, 4096); ; {
		if _, err := conn.Read(answer); err != nil {
			return
		}
	}
}

func throwUDP(t *testing.T, addr string, garbage []byte) {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 20 {
		_, _ = conn.Write(garbage)
	}
}

func rtmpGarbage() [][]byte {
	// C0, C1 and C2 of a client that does not wait.
	hello := append([]byte{3}, make([]byte, 2*1536)...)
	// A command of 18 bytes: a strict array of 2^31-1 elements.
	array := "\x02\x00\x07connect\x0a\x7f\xff\xff\xff\x05\x05\x05"
	// One of objects in objects.
	nested := "\x02\x00\x07connect" + strings.Repeat("\x03\x00\x01a", 12000)
	return [][]byte{
		{},
		{3},
		random(64 << 10),
		append([]byte{3}, random(64<<10)...),
		append(bytes.Clone(hello), random(64<<10)...),
		append(bytes.Clone(hello), chunk(len(array), array)...),
		append(bytes.Clone(hello), chunk(0xffffff, nested)...),
		append(bytes.Clone(hello), bytes.Repeat([]byte{0xff}, 4096)...),
		// SetChunkSize of 0 and of 2^32-1.
		append(bytes.Clone(hello), "\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x00\x00"...),
		append(bytes.Clone(hello), "\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\xff\xff\xff\xff"...),
	}
}

// chunk is a type 0 chunk of a command that claims a length.
func chunk(length int, body string) []byte {
	header := []byte{3, 0, 0, 0, byte(length >> 16), byte(length >> 8), byte(length), 20, 0, 0, 0, 0}
	return append(header, body...)
}

func httpGarbage() [][]byte {
	requests := []string{
		"GET / HTTP/9.9\r\n\r\n",
		"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", // TLS
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 4<<20) + "\r\n\r\n",
		"POST /whep/live/steady HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n",
		"POST /whep/live/steady HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: 99999999\r\n\r\n" + strings.Repeat("a", 1<<20),
		"POST /whep/../../etc/passwd HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"BREW /whep/live/steady HTTP/1.1\r\nHost: x\r\n\r\n",
		"PATCH /whep/live/steady/none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	}
	var all [][]byte
	for _, r := range requests {
		all = append(all, []byte(r))
	}
	return append(all, random(64<<10))
}

func udpGarbage() [][]byte {
	stun := "\x00\x01\x00\x08\x21\x12\xa4\x42aaaaaaaaaaaa" // binding request
	return [][]byte{
		{},
		{0},
		random(1200),
		random(60000),
		[]byte(stun + "\x00\x06\xff\xff" + "a:b"),      // USERNAME longer than the packet
		[]byte(stun + "\x00\x06\x00\x04" + "a:b\x00"),  // of nobody
		append([]byte{22, 254, 253}, random(200)...),   // DTLS handshake
		append([]byte{0x80, 96}, random(1000)...),      // RTP
		append([]byte{0x80, 200, 0, 6}, random(24)...), // RTCP sender report
	}
}

// random returns the same bytes in every run.
func random(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
