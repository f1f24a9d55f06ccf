package rtc

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// packet returns what looks like an RTP packet of n bytes.
func packet(n int, fill byte) []byte {
	p := bytes.Repeat([]byte{fill}, n)
	p[0], p[1] = 0x80, 96
	return p
}

func newBurst(t testing.TB) (b *Burst, receiver *net.UDPConn, to netip.AddrPort) {
	t.Helper()
	socket, err := listenUDP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := listenUDP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = socket.Close(), conn.Close() })
	pool := &sync.Pool{New: func() any { b := make([]byte, 0, burstBytes); return &b }}
	return &Burst{socket: socket, pool: pool}, conn.UDPConn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// receive reads n packets.
func receive(t *testing.T, conn *net.UDPConn, n int) (packets [][]byte) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for range n {
		buf := make([]byte, 2000)
		k, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("after %d of %d packets: %v", len(packets), n, err)
		}
		packets = append(packets, buf[:k])
	}
	return packets
}

// Whatever the sizes are, the same packets arrive in the same order.
func TestBurst(t *testing.T) {
	cases := map[string][]int{
		"one":                  {1200},
		"equal":                {1200, 1200, 1200},
		"the last is shorter":  {1200, 1200, 700},
		"the first is shorter": {60, 1200, 1200, 300},
		"all differ":           {100, 200, 150, 150, 1000, 20},
		"more than segments":   bytesOf(burstSegments*2+3, 100),
		"more than bytes":      bytesOf(60, 1400),
	}
	for name, sizes := range cases {
		t.Run(name, func(t *testing.T) {
			b, receiver, to := newBurst(t)
			b.Begin()
			for i, n := range sizes {
				if !b.take(packet(n, byte(i)), to) {
					t.Fatal("not taken")
				}
			}
			b.End()
			for i, p := range receive(t, receiver, len(sizes)) {
				if !bytes.Equal(p, packet(sizes[i], byte(i))) {
					t.Errorf("packet %d has %d bytes, want %d", i, len(p), sizes[i])
				}
			}
			if b.plain {
				t.Error("the kernel refused segmentation")
			}
		})
	}
}

func bytesOf(n, size int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = size
	}
	return list
}

func TestBurstTakesMediaOnly(t *testing.T) {
	b, _, to := newBurst(t)
	if b.take(packet(100, 1), to) {
		t.Error("took a packet outside of Begin and End")
	}
	b.Begin()
	defer b.End()
	rtcp := packet(100, 1)
	rtcp[1] = 200
	for name, p := range map[string][]byte{"STUN": make([]byte, 20), "DTLS": {22, 254, 253}, "RTCP": rtcp, "nothing": nil} {
		if b.take(p, to) {
			t.Errorf("took %s", name)
		}
	}
	if !b.take(packet(100, 1), to) {
		t.Error("did not take media")
	}
}

// Where the kernel refuses, the packets go one by one, and so do all later ones.
func TestBurstFallsBack(t *testing.T) {
	b, receiver, to := newBurst(t)
	b.Begin()
	b.take(packet(100, 1), to)
	b.take(packet(100, 2), to)
	b.size = 1 // 200 segments are more than any kernel takes
	b.flush()
	receive(t, receiver, 200)
	if !b.plain {
		t.Error("offload is tried again")
	}
	b.Begin()
	if b.take(packet(100, 3), to) {
		t.Error("gathers packets that cannot be sent together")
	}
}

// BenchmarkBurst compares the two ways of a frame of 9 packets through the
// kernel, to a receiver that does not read.
func BenchmarkBurst(b *testing.B) {
	const packets = 9
	p := packet(1200, 1)
	b.Run("together", func(b *testing.B) {
		c, _, to := newBurst(b)
		b.ReportAllocs()
		for b.Loop() {
			c.Begin()
			for range packets {
				c.take(p, to)
			}
			c.End()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packets, "ns/packet")
	})
	b.Run("one by one", func(b *testing.B) {
		c, _, to := newBurst(b)
		for b.Loop() {
			for range packets {
				_, _ = c.socket.WriteToAddrPort(p, to)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packets, "ns/packet")
	})
}
