package rtc

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"
)

// packet returns what looks like an RTP packet of n bytes.
func packet(n int, fill byte) []byte {
	p := bytes.Repeat([]byte{fill}, n)
	p[0], p[1] = 0x80, 96
	return p
}

// put adds a packet to a batch.
func put(b *Batch, m *Media, packet []byte, to netip.AddrPort) {
	b.add(m, copy(b.room(len(packet)), packet), to)
}

func newTestBatch(t testing.TB) (b *Batch, receiver *net.UDPConn, to netip.AddrPort) {
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
	return newBatch(socket), conn.UDPConn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
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
func TestBatch(t *testing.T) {
	cases := map[string][]int{
		"one":                  {1200},
		"equal":                {1200, 1200, 1200},
		"the last is shorter":  {1200, 1200, 700},
		"the first is shorter": {60, 1200, 1200, 300},
		"all differ":           {100, 200, 150, 150, 1000, 20},
		"more than segments":   sizes(segmentsMost*2+3, 100),
		"more than a datagram": sizes(60, 1400),
		"more than messages":   append(sizes(batchMessages, 100, 200), sizes(batchMessages, 200, 300)...),
		"more than a batch":    sizes(batchBytes/1200+7, 1200),
	}
	for name, sizes := range cases {
		t.Run(name, func(t *testing.T) {
			b, receiver, to := newTestBatch(t)
			media := &Media{}
			for i, n := range sizes {
				put(b, media, packet(n, byte(i)), to)
			}
			b.Flush()
			for i, p := range receive(t, receiver, len(sizes)) {
				if !bytes.Equal(p, packet(sizes[i], byte(i))) {
					t.Errorf("packet %d has %d bytes, want %d", i, len(p), sizes[i])
				}
			}
			if media.plain {
				t.Error("the kernel refused segmentation")
			}
		})
	}
}

// sizes returns n sizes, these in turn.
func sizes(n int, of ...int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = of[i%len(of)]
	}
	return list
}

// Where the kernel refuses to cut a peer's packets they go one by one, and so
// do all later ones; the other peers of the batch get theirs.
func TestBatchFallsBack(t *testing.T) {
	b, receiver, to := newTestBatch(t)
	refused, other := &Media{}, &Media{}
	put(b, other, packet(100, 1), to)
	put(b, refused, packet(100, 2), to)
	put(b, refused, packet(100, 3), to)
	b.last().size = 1 // 200 segments are more than any kernel takes
	put(b, other, packet(100, 4), to)
	b.Flush()
	receive(t, receiver, 1+200+1)
	if !refused.plain || other.plain {
		t.Errorf("offload given up: %t for the refused peer, %t for the other", refused.plain, other.plain)
	}
	put(b, refused, packet(100, 5), to)
	put(b, refused, packet(100, 6), to)
	if len(b.messages) != 2 {
		t.Error("gathers packets that cannot be sent together")
	}
}

// A peer that cannot be reached costs the others nothing.
func TestBatchSkipsUnreachable(t *testing.T) {
	b, receiver, to := newTestBatch(t)
	nowhere := netip.MustParseAddrPort("255.255.255.255:9") // EACCES: not a broadcast socket
	for i := range byte(3) {
		put(b, &Media{}, packet(100, i), nowhere)
		put(b, &Media{}, packet(100, i), to)
	}
	b.Flush()
	receive(t, receiver, 3)
}

// BenchmarkBatch compares the ways of 16 frames of 9 packets through the
// kernel, to a receiver that does not read.
func BenchmarkBatch(b *testing.B) {
	const frames, packets = 16, 9
	p := packet(1200, 1)
	perPacket := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packets/frames, "ns/packet")
	}
	b.Run("together", func(b *testing.B) {
		batch, _, to := newTestBatch(b)
		var peers [frames]Media
		b.ReportAllocs()
		for b.Loop() {
			for i := range peers {
				for range packets {
					put(batch, &peers[i], p, to)
				}
			}
			batch.Flush()
		}
		perPacket(b)
	})
	b.Run("frame by frame", func(b *testing.B) {
		batch, _, to := newTestBatch(b)
		var peer Media
		for b.Loop() {
			for range frames {
				for range packets {
					put(batch, &peer, p, to)
				}
				batch.Flush()
			}
		}
		perPacket(b)
	})
	b.Run("one by one", func(b *testing.B) {
		batch, _, to := newTestBatch(b)
		for b.Loop() {
			for range packets * frames {
				_, _ = batch.socket.WriteToAddrPort(p, to)
			}
		}
		perPacket(b)
	})
}

// BenchmarkSockets compares one socket for all workers, which is what there is,
// with one for each.
func BenchmarkSockets(b *testing.B) {
	const frames, packets = 16, 9
	p := packet(1200, 1)
	send := func(b *testing.B, batch func() *Batch) {
		b.RunParallel(func(pb *testing.PB) {
			batch := batch()
			var peers [frames]Media
			var to [frames]netip.AddrPort
			for i := range to {
				_, _, to[i] = newTestBatch(b)
			}
			for pb.Next() {
				for i := range peers {
					for range packets {
						put(batch, &peers[i], p, to[i])
					}
				}
				batch.Flush()
			}
		})
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packets/frames, "ns/packet")
	}
	b.Run("shared", func(b *testing.B) {
		first, _, _ := newTestBatch(b)
		send(b, func() *Batch { return newBatch(first.socket) })
	})
	b.Run("each", func(b *testing.B) {
		send(b, func() *Batch {
			batch, _, _ := newTestBatch(b)
			return batch
		})
	})
}
