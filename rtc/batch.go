package rtc

import "net/netip"

const (
	// batchMessages bounds the messages of one system call, batchBytes the
	// packets that wait for it: few enough that the first does not wait long.
	batchMessages = 64
	batchBytes    = 256 << 10

	// segmentsMost and segmentsBytes bound what the kernel takes in one message
	// (UDP_MAX_SEGMENTS in Linux before 6.9; the largest UDP datagram).
	segmentsMost  = 64
	segmentsBytes = 65_000
)

// Batch gathers the packets that one goroutine sends, to however many peers,
// and hands them to the kernel with few system calls: most of what a packet
// costs is its way there. The packets of a frame for one peer are one message,
// which the kernel cuts up as late as it can (UDP generic segmentation
// offload); many messages are one call. Where the kernel or a route refuses,
// packets are sent one by one.
type Batch struct {
	socket   udpConn
	packets  []byte // one behind the other
	messages []message
	call     *sendCall
}

// message is a run of packets to one peer: all of one size, but for the last,
// which may be shorter.
type message struct {
	media      *Media
	to         netip.AddrPort
	start, end int // in Batch.packets
	size       int // bytes of a packet
	count      int
	ends       bool // the last is shorter
}

// NewBatch returns a batch for one goroutine.
func (t *Transport) NewBatch() *Batch { return newBatch(t.mux.conn) }

func newBatch(socket udpConn) *Batch {
	return &Batch{
		socket:   socket,
		packets:  make([]byte, 0, batchBytes),
		messages: make([]message, 0, batchMessages),
		call:     newSendCall(socket),
	}
}

// room returns where the next packet is to be written, of size bytes at most:
// not more than a datagram.
func (b *Batch) room(size int) []byte {
	if len(b.packets)+size > cap(b.packets) || len(b.messages) == cap(b.messages) {
		b.Flush()
	}
	return b.packets[len(b.packets) : len(b.packets)+size]
}

// add takes the packet of so many bytes that was written to the room.
func (b *Batch) add(media *Media, bytes int, to netip.AddrPort) {
	m := b.last()
	if m == nil || !m.takes(media, bytes, to) {
		start := len(b.packets)
		b.messages = append(b.messages, message{media: media, to: to, start: start, end: start, size: bytes})
		m = b.last()
	}
	b.packets = b.packets[:len(b.packets)+bytes]
	m.end = len(b.packets)
	m.count++
	m.ends = bytes < m.size
}

func (b *Batch) last() *message {
	if len(b.messages) == 0 {
		return nil
	}
	return &b.messages[len(b.messages)-1]
}

// takes reports whether a packet can be the next of the message.
func (m *message) takes(media *Media, bytes int, to netip.AddrPort) bool {
	return m.media == media && m.to == to && !m.ends && bytes <= m.size && !media.plain &&
		m.count < segmentsMost && m.end-m.start+bytes <= segmentsBytes
}

// Flush sends what was gathered. What one peer's route refuses is lost to that
// peer alone.
func (b *Batch) Flush() {
	for next := 0; next < len(b.messages); {
		sent, err := b.call.send(b.packets, b.messages[next:])
		next += sent
		if err != nil && next < len(b.messages) {
			b.refused(&b.messages[next], err)
			next++
		}
	}
	b.packets, b.messages = b.packets[:0], b.messages[:0]
}

// refused sends the packets of a message one by one, if there are several.
func (b *Batch) refused(m *message, err error) {
	if m.count == 1 {
		return
	}
	m.media.plain = refusesSegments(err)
	for packets := b.packets[m.start:m.end]; len(packets) > 0; {
		n := min(m.size, len(packets))
		_, _ = b.socket.WriteToUDPAddrPort(packets[:n], m.to)
		packets = packets[n:]
	}
}
