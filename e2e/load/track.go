//go:build linux

package load

import "time"

// track follows the sequence numbers of one RTP stream.
type track struct {
	ssrc    uint32
	packets int
	highest int64 // extended sequence number

	marked, markedHighest int64 // packets and highest at Mark
}

// add counts a packet.
func (t *track) add(ssrc uint32, seq uint16) {
	if t.packets == 0 {
		t.ssrc, t.highest = ssrc, int64(seq)
	}
	t.packets++
	if ahead := int16(seq - uint16(t.highest)); ahead > 0 {
		t.highest += int64(ahead)
	}
}

func (t *track) mark() { t.marked, t.markedHighest = int64(t.packets), t.highest }

// since returns the packets sent and received after the mark.
func (t *track) since() (sent, received int) {
	return int(t.highest - t.markedHighest), t.packets - int(t.marked)
}

// frameTimes measures how long frames take from their stamp to the arrival of
// their last packet.
type frameTimes struct {
	open      bool // a stamped frame's first packet has come
	timestamp uint32
	stamp     time.Time
	begins    bool // the next packet is the first of a frame
	delays    []time.Duration
}

// add takes a video packet. payload decrypts it; that is asked for only where
// a frame begins.
func (f *frameTimes) add(timestamp uint32, marker bool, at time.Time, payload func() []byte) {
	if f.begins {
		f.stamp, f.open = stampIn(payload())
		f.timestamp = timestamp
	}
	if f.begins = marker; !marker || !f.open {
		return
	}
	if f.timestamp == timestamp {
		f.delays = append(f.delays, at.Sub(f.stamp))
	}
	f.open = false
}
