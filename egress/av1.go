package egress

// The aggregation header of AV1 (RTP Payload Format For AV1 §4.4).
const (
	av1Continues = 0x80 // Z: begins with the rest of an OBU
	av1Unended   = 0x40 // Y: its last OBU goes on in the next packet
	av1CountAt   = 4    // W: number of elements; the last one has no length
	av1NewVideo  = 0x08 // N: first packet of a coded video sequence
	av1CountMost = 3
)

// payloadAV1 turns a temporal unit's OBUs into payloads of equal size but the
// last, as near as OBUs' ends allow.
//
// Specification: RTP Payload Format For AV1 §4.
func payloadAV1(obus [][]byte, key bool) [][]byte {
	total := 0
	for _, o := range obus {
		total += len(o) + 2
	}
	p := newPayloader(obus, 4)
	parts := max((total+maxPayload-2)/(maxPayload-1), 1)
	room := (total+parts-1)/parts + 1
	w := av1Writer{payloader: p, room: min(room, maxPayload)}
	for len(obus) > 0 {
		obus = w.packet(obus)
	}
	if key && len(p.payloads) > 0 {
		p.payloads[0][0] |= av1NewVideo
	}
	return p.payloads
}

// av1Writer fills packets of one size.
type av1Writer struct {
	*payloader
	room   int
	offset int // of the first OBU: so much of it was sent
}

// packet writes the next packet and returns the OBUs that are left. An element
// with another one behind it has its length in front.
func (w *av1Writer) packet(obus [][]byte) [][]byte {
	start := len(w.buf)
	w.buf = append(w.buf, 0)
	header := byte(0)
	if w.offset > 0 {
		header |= av1Continues
	}
	for count := byte(1); ; count++ {
		rest := obus[0][w.offset:]
		left := w.room - (len(w.buf) - start)
		size := leb128(len(rest))
		if count < av1CountMost && len(obus) > 1 && len(size)+len(rest)+1 < left {
			w.buf = append(append(w.buf, size...), rest...)
			obus, w.offset = obus[1:], 0
			continue
		}
		n := min(len(rest), left)
		w.buf = append(w.buf, rest[:n]...)
		header |= count << av1CountAt
		if w.offset += n; n == len(rest) {
			obus, w.offset = obus[1:], 0
		} else {
			header |= av1Unended
		}
		break
	}
	w.buf[start] = header
	w.take(start)
	return obus
}

// leb128 encodes a length (AV1 §4.10.5).
func leb128(n int) (b []byte) {
	for ; n > 0x7f; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
