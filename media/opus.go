package media

const (
	// OpusRate is the clock of Opus in Hz, whatever it was encoded from
	// (RFC 7587 §4.1).
	OpusRate = 48000
	// OpusMost is the most samples of a packet: 120 ms (RFC 6716 §3.4, R5).
	OpusMost = 5760
)

// OpusSamples returns the samples of an Opus packet, at OpusRate; 0: it is none.
//
// Specification: RFC 6716 §3.1, §3.2.
func OpusSamples(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	var samples int
	switch config := packet[0] >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		samples = [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		samples = 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		samples = 120 << (config & 3)
	}
	switch packet[0] & 3 {
	case 0:
		return samples
	case 3:
		if len(packet) < 2 {
			return 0
		}
		return samples * int(packet[1]&0x3f)
	default:
		return 2 * samples
	}
}
