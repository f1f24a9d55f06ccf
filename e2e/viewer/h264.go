package viewer

import (
	"bytes"
	"fmt"

	"github.com/pion/rtp/codecs"
)

const videoClock = 90000 // Hz, RFC 6184 §8.2.1

// NAL unit types, ITU-T H.264 table 7-1.
const (
	nalIDR = 5
	nalSPS = 7
	nalPPS = 8
)

// AccessUnit is one coded picture as it left the depacketizer.
type AccessUnit struct {
	Timestamp uint32 // RTP
	Data      []byte // Annex B
}

// AccessUnits depacketizes whole frames (RFC 6184 §5.1), with pion's
// depacketizer: not the one that the server is built with.
func AccessUnits(packets []Packet) ([]AccessUnit, error) {
	var units []AccessUnit
	var depacketizer codecs.H264Packet
	var data []byte
	for _, p := range packets {
		part, err := depacketizer.Unmarshal(p.Payload)
		if err != nil {
			return nil, fmt.Errorf("packet %d: %w", p.SequenceNumber, err)
		}
		data = append(data, part...)
		if p.Marker {
			units = append(units, AccessUnit{Timestamp: p.Timestamp, Data: data})
			data = nil
		}
	}
	return units, nil
}

// types lists the NAL unit types of an access unit, in order.
func (u AccessUnit) types() []byte {
	var types []byte
	for _, nal := range bytes.Split(u.Data, []byte{0, 0, 1}) {
		if len(nal) > 0 && !bytes.Equal(nal, []byte{0}) {
			types = append(types, nal[0]&0x1f)
		}
	}
	return types
}

// IDR says whether decoding can begin here.
func (u AccessUnit) IDR() bool { return bytes.IndexByte(u.types(), nalIDR) >= 0 }

// SPS is the first NAL unit, which is the sequence parameter set of an IDR
// access unit.
func (u AccessUnit) SPS() []byte {
	_, rest, _ := bytes.Cut(u.Data, []byte{0, 0, 1})
	sps, _, _ := bytes.Cut(rest, []byte{0, 0, 1})
	return bytes.TrimRight(sps, "\x00")
}

// CheckParameterSets returns an error if an IDR access unit does not begin
// with a sequence and a picture parameter set.
func (u AccessUnit) CheckParameterSets() error {
	if t := u.types(); u.IDR() && (len(t) < 3 || t[0] != nalSPS || t[1] != nalPPS) {
		return fmt.Errorf("IDR access unit holds NAL units of types %v, want 7, 8 first", t)
	}
	return nil
}

// Join puts access units together into one Annex B stream.
func joinUnits(units []AccessUnit) []byte {
	var b []byte
	for _, u := range units {
		b = append(b, u.Data...)
	}
	return b
}
